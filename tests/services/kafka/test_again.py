"""A queue's dead letter on its way: from the worker to the store, and by the store's API back into the queue."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from components import process
from harness import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from services.functions import Function
    from services.kafka.rig import Topic

HEADERS = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "content-type": "application/json"}


def ask(port: int, path: str, wish: Any = None) -> Any:
    body = None if wish is None else json.dumps(wish).encode()
    request = urllib.request.Request(f"http://{process.HOST}:{port}{path}", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def test_a_dead_letter_of_a_queue_is_sent_again_through_the_queue(
    topic: Topic, function: Function, tmp_path: Path
) -> None:
    enqueue = topic.enqueue().start()
    entry = {"uri": f"http://{process.HOST}:{enqueue.port}/queue/test"}
    desk = process.free_port()
    known = [{"name": "queue/test", **entry}]
    config = {"app": "shop", "folder": str(tmp_path), "apiPort": desk, "receivers": known}
    store = topic.start_role("dead-letters", config).start()
    letters = {"uri": f"http://{process.HOST}:{store.port}/"}
    function.answer = lambda _: (422, b"no stock")
    worker = topic.worker(function.url, deadLetter=letters, entry=entry).start()
    assert enqueue.post("/queue/test", b'{"n":1}', HEADERS)[0] == 202
    eventually(lambda: ask(desk, "/api/dead-letters")["deadLetters"])

    (letter,) = ask(desk, "/api/dead-letters")["deadLetters"]
    function.answer = lambda _: (204, b"")
    redriven = ask(desk, "/api/dead-letters/redrive", {"all": True})

    assert (letter["edge"], letter["code"], letter["reason"]) == ("queue/test", 422, "no stock")
    assert redriven == {"redriven": 1, "failed": [], "after": None}
    eventually(lambda: worker.ledger()["delivered"] == 1)
    (event,) = function.calls[-1].events
    assert event["id"] == "1"
    assert not [name for name in event if name.startswith("knativeerror")]
