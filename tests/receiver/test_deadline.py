"""A function that `serve` gives a timeout: what its callers hear, and what is left of a handler that hangs."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import harness
from receiver import serving

if TYPE_CHECKING:
    from pathlib import Path

APP = """
    import asyncio, threading
    from patternapp.receiver import Receiver

    app = Receiver(idempotency="memory:")

    @app.on("ping")
    async def ping(data: bytes) -> None:
        print("handled", flush=True)
        if data == b"{}":
            await asyncio.Event().wait()

    @app.on("thread")
    def thread() -> None:
        print("began", flush=True)
        threading.Event().wait()
"""


def test_a_handler_that_hangs_is_answered_for_and_its_claim_let_go(tmp_path: Path) -> None:
    port = harness.free_port()
    with serving.serving(tmp_path, "--timeout", "0.3", "--metrics-port", str(port), app=APP) as served:
        first, second = (served.say(serving.EVENT.replace(b"ce-id", b"Connection: close\r\nce-id")) for _ in range(2))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=harness.DEADLINE) as answer:
            measured = answer.read().decode()

        assert served.handled == 2
    assert serving.statuses(first) == serving.statuses(second) == [504]
    assert json.loads(first.partition(b"\r\n\r\n")[2])["detail"] == "it took longer than 0.3 s"
    assert 'patternapp_events_total{outcome="timeout",type="ping"} 2.0' in measured
    assert "patternapp_requests_in_flight 0.0" in measured
    assert "ping was abandoned on event 1 from /test: it took longer than 0.3 s" in served.output


def test_the_timeout_is_taken_from_the_environment_as_well(tmp_path: Path) -> None:
    with serving.serving(tmp_path, app=APP, env={"PATTERNAPP_TIMEOUT": "0.3"}) as served:
        assert serving.statuses(served.say(serving.EVENT.replace(b"ce-id", b"Connection: close\r\nce-id"))) == [504]


def test_threads_that_hang_do_not_become_more_than_the_threads_there_are(tmp_path: Path) -> None:
    with serving.serving(tmp_path, "--timeout", "0.3", app=APP) as served:
        event = serving.HEAD.replace(b": ping", b": thread") + b"Connection: close\r\nContent-Length: 0\r\n\r\n"
        connections = [served.connect() for _ in range(60)]
        for number, connection in enumerate(connections):
            connection.sendall(event.replace(b"ce-id: 1", b"ce-id: %d" % number))

        answered = [serving.statuses(serving.read_all(connection)) for connection in connections]
        for connection in connections:
            connection.close()

        assert answered == [[504]] * 60
        assert served.output.count("began") == 40
