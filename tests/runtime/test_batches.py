"""Batches through a real `dev`: one event that cannot be taken costs none of its neighbors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness import Dev

HEAD = """
delivery: {retry: 1, backoffPolicy: linear, backoffDelay: 50ms, timeout: 20s}
functions: [{name: f, handler: "fn:app"}]
"""
QUEUE = """
queues:
  - name: jobs
    filters: [{exact: {type: job}}]
    kafka: {bootstrapServers: ["kafka:9092"], topic: jobs}
    function: f
    batch: {max: 10, wait: 200ms}
    scale: {max: 1}
"""
STREAM = """
streams:
  - name: jobs
    filters: [{exact: {type: job}}]
    kafka: {bootstrapServers: ["kafka:9092"], topics: [jobs], consumerGroup: g}
    function: f
    batch: {max: 10, wait: 200ms}
"""
SECTIONS = {
    "queue": HEAD + QUEUE,
    "queue in order": HEAD + QUEUE + "    ordering: ordered\n",
    "stream": HEAD + STREAM,
}
RECEIVER = """
    import os
    from pydantic import BaseModel
    from patternapp.receiver import Event, Receiver, Reject

    app = Receiver()

    class Job(BaseModel):
        n: int

    @app.on_batch("job")
    def work(events: list[Event[Job]]) -> None:
        numbers = [event.data.n for event in events]
        with open("batches.log", "a") as log:
            log.write(",".join(map(str, numbers)) + "\\n")
        if 0 in numbers and not os.path.exists("mended"):
            raise ERROR("cannot divide by 0")
"""
"""Fails on a whole batch for the one event that it cannot take."""
REFUSING = RECEIVER.replace("ERROR", "Reject")
BROKEN = RECEIVER.replace("ERROR", "ZeroDivisionError")


def batches(folder: Path) -> list[list[int]]:
    path = folder / "batches.log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [[int(number) for number in line.split(",")] for line in lines]


def burst(dev: Dev, numbers: Iterable[int]) -> None:
    """All of these jobs in one request and one partition, so that they are taken together."""
    common = {"specversion": "1.0", "source": "/test", "type": "job", "partitionkey": "k"}
    events = [{**common, "id": str(number), "data": {"n": number}} for number in numbers]
    headers = {"content-type": "application/cloudevents-batch+json"}
    assert dev.request("POST", "/events", json.dumps(events).encode(), headers).status == 202


@pytest.mark.parametrize("section", SECTIONS)
def test_a_refused_event_takes_no_other_of_its_batch_along(dev: Dev, section: str) -> None:
    dev.write(SECTIONS[section], fn=REFUSING).start()

    burst(dev, [1, 0, 2])

    ledger = dev.settled()
    assert (ledger["delivered"], ledger["dead_lettered"]) == (2, 1)
    (dead,) = dev.api("dead-letters")["deadLetters"]
    assert (dead["id"], dead["reason"]) == ("0", "answered 422: cannot divide by 0")
    assert batches(dev.folder) == [[1, 0, 2], [1], [0], [2]]


def test_an_event_that_breaks_the_handler_every_time_takes_no_other_along(dev: Dev) -> None:
    dev.write(SECTIONS["queue"], fn=BROKEN).start()

    burst(dev, [1, 0, 2])

    ledger = dev.settled()
    assert (ledger["delivered"], ledger["dead_lettered"]) == (2, 1)
    assert batches(dev.folder) == [[1, 0, 2], [1, 0, 2], [1], [0], [2]]


def test_dead_letters_that_are_driven_again_come_one_by_one(dev: Dev) -> None:
    dev.write(SECTIONS["queue"], fn=REFUSING).start()
    burst(dev, [0])
    dev.settled()
    burst(dev, [0])
    assert dev.settled()["dead_lettered"] == 2
    (dev.folder / "mended").touch()

    assert dev.api("dead-letters/redrive", {"all": True}) == {"redriven": 2}

    assert dev.settled()["delivered"] == 2
    assert batches(dev.folder)[-2:] == [[0], [0]]
