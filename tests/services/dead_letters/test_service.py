"""The role `dead-letters` as the image runs it."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from components import process
from harness import eventually
from services.functions import Function
from services.programs import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADERS = {"ce-specversion": "1.0", "ce-source": "/shop", "ce-type": "t", "ce-knativeerrorcode": "500"}


class Office:
    """The API on the loopback address."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=60) as answer:  # noqa: S310 - our own server
            return json.load(answer)

    def kept(self) -> set[str]:
        """The ids of all letters."""
        ids: set[str] = set()
        after = 0
        while page := self.get(f"/api/dead-letters?after={after}")["deadLetters"]:
            ids |= {letter["id"] for letter in page}
            after = page[-1]["delivery"]
        return ids

    def post(self, path: str, wish: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}{path}", json.dumps(wish).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
            return json.load(answer)


@pytest.fixture
def function() -> Iterator[Function]:
    orders = Function()
    orders.start()
    yield orders
    orders.stop()


@pytest.fixture
def running(tmp_path: Path, function: Function) -> Iterator[tuple[Service, Office]]:
    port = process.free_port()
    config = {
        "app": "shop",
        "folder": str(tmp_path),
        "apiPort": port,
        "receivers": [{"name": "function/orders", "uri": function.url}],
    }
    service = Service("dead-letters", config, folder=tmp_path).start()
    yield service, Office(port)
    service.program.stop()


def test_a_letter_goes_from_the_door_through_the_api_to_its_receiver(
    running: tuple[Service, Office], function: Function
) -> None:
    service, office = running
    headers = {**HEADERS, "ce-id": "1", "ce-knativeerrordest": function.url}
    eventually(lambda: service.get("/readyz")[0] == 200)

    status, _, _ = service.post("/", b"", headers)
    redriven = office.post("/api/dead-letters/redrive", {"all": True})

    assert status == 202
    assert redriven == {"redriven": 1, "failed": [], "after": None}
    assert function.ids == ["1"]
    assert office.get("/api/dead-letters") == {"deadLetters": [], "after": None}


def test_no_letter_that_was_taken_is_lost_when_the_store_is_killed(
    running: tuple[Service, Office], function: Function
) -> None:
    service, office = running
    taken: set[str] = set()
    ended = threading.Event()

    def send() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            headers = {**HEADERS, "ce-id": str(number), "ce-knativeerrordest": function.url}
            try:
                status, _, _ = service.post("/", b"x" * 1000, headers)
            except OSError:
                continue
            if status == 202:
                taken.add(str(number))

    sending = threading.Thread(target=send)
    sending.start()
    for kill in range(1, 6):
        _wait_for(taken, kill * 30)
        service.program.kill()
        service.program.start()
    ended.set()
    sending.join()

    assert taken <= office.kept()


def _wait_for(taken: set[str], least: int) -> None:
    eventually(lambda: len(taken) >= least)


def test_a_configuration_that_is_wrong_is_refused_with_its_place(tmp_path: Path) -> None:
    service = Service("dead-letters", {"app": "shop", "folder": str(tmp_path), "secretName": "both"}, folder=tmp_path)

    with pytest.raises(process.NotStartedError, match="exactly one of folder and secretName"):
        service.start()


def test_the_command_line_lists_shows_and_delivers_again(running: tuple[Service, Office], function: Function) -> None:
    service, office = running
    for number in range(3):
        service.post("/", b"", {**HEADERS, "ce-id": str(number), "ce-knativeerrordest": function.url})

    listed = dlq(office, "list", "-o", "json")
    shown = dlq(office, "show", "2")
    redriven = dlq(office, "redrive", "2")
    purged = dlq(office, "purge", "--all")

    assert [letter["delivery"] for letter in json.loads(listed.stdout)["deadLetters"]] == [1, 2, 3]
    assert "function/orders" in shown.stdout
    assert (redriven.returncode, redriven.stdout) == (0, "1 dead letter to be delivered again\n")
    assert function.ids == ["1"]
    assert purged.stdout == "2 dead letters deleted\n"


def test_the_command_line_says_what_could_not_be_delivered_and_why(
    running: tuple[Service, Office], function: Function
) -> None:
    service, office = running
    service.post("/", b"", {**HEADERS, "ce-id": "1", "ce-knativeerrordest": function.url})
    function.answer = lambda _: (500, b"still broken")

    refused = dlq(office, "redrive", "--all")

    assert refused.returncode == 1
    assert "1: function/orders: " in refused.stderr
    assert "still broken" in refused.stderr


def dlq(office: Office, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "patternapp", "dlq", *arguments, "--url", office.url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
