"""kill -9 at any moment: what was accepted is not lost, and the ledger balances after the next start."""

from __future__ import annotations

import http.client
import queue
import random
import threading
from typing import TYPE_CHECKING

import pytest
from harness import eventually

if TYPE_CHECKING:
    from harness import Dev

ROUNDS = 20
EVENTS = 500
APP = """
delivery: {retry: 5, backoffPolicy: linear, backoffDelay: 20ms, timeout: 10s}
functions:
  - {name: f, handler: "fn:app", scale: {max: 2, concurrency: 20}}
  - {name: queued, handler: "fn:queued"}
  - {name: streamed, handler: "fn:streamed"}
fanOut:
  - name: all
    filters: [{exact: {type: ping}}]
    subscribers: [{name: f, function: f}]
queues:
  - name: q
    filters: [{exact: {type: ping}}]
    kafka: {bootstrapServers: ["kafka:9092"], topic: q}
    function: queued
    batch: {max: 50, wait: 20ms}
streams:
  - name: s
    filters: [{exact: {type: ping}}]
    kafka: {bootstrapServers: ["kafka:9092"], topics: [s], consumerGroup: s}
    function: streamed
    batch: {max: 50, wait: 20ms}
schedules:
  - {name: often, cron: "* * * * * *", function: f}
"""
FUNCTION = """
from patternapp.receiver import Event, Receiver

app, queued, streamed = Receiver(), Receiver(), Receiver()


@app.on()
def one() -> None: ...


def write(name: str, events: list[Event[dict]]) -> None:
    with open(name, "a") as log:
        log.write("".join(f"{event.attributes['id']}\\n" for event in events))


@queued.on_batch("ping")
def from_queue(events: list[Event[dict]]) -> None:
    write("queued.log", events)


@streamed.on_batch("ping")
def from_stream(events: list[Event[dict]]) -> None:
    write("streamed.log", events)
"""


class Producers:
    """Four producers that send the ids they are given until each was answered 202, as real ones do."""

    def __init__(self, dev: Dev) -> None:
        self._dev = dev
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.accepted: set[str] = set()
        self._threads = [threading.Thread(target=self._work) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def give(self, ids: list[str]) -> None:
        for id_ in ids:
            self._waiting.put(id_)

    def end(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (id_ := self._waiting.get()) is not None:
            eventually(lambda id_=id_: self._send(id_))  # type: ignore[misc]

    def _send(self, id_: str) -> bool:
        try:
            answer = self._dev.send("ping", {}, id_=id_, partitionkey=id_[-1])
        except (OSError, http.client.HTTPException):
            return False
        if answer.status == 202:
            self.accepted.add(id_)
        return answer.status == 202


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_no_slot_fires_twice_over_twenty_kills(dev: Dev) -> None:
    dev.write(APP, fn=FUNCTION).start("--no-reload")
    producers = Producers(dev)
    moments = random.Random(20)  # noqa: S311 - moments to kill at, not secrets
    wanted: set[str] = set()

    try:
        for round_ in range(ROUNDS):
            ids = [f"{round_}-{number}" for number in range(EVENTS)]
            moment = len(wanted) + moments.randrange(1, EVENTS)
            wanted.update(ids)
            producers.give(ids)
            eventually(lambda moment=moment: len(producers.accepted) >= moment)  # type: ignore[misc]
            dev.kill()
            dev.start("--no-reload")
            eventually(lambda: producers.accepted >= wanted)
    finally:
        producers.end()
    ledger = dev.settled(within=120)

    slots = dev.api("events?type=dev.knative.sources.ping&limit=1000")["events"]
    assert len({slot["time"] for slot in slots}) == len(slots) > ROUNDS
    # An event whose 202 was lost in a kill was sent again: accepted twice, with one id.
    assert ledger["accepted"] >= len(wanted) + len(slots)
    assert ledger["dead_lettered"] == 0
    assert ledger["delivered"] == 3 * (ledger["accepted"] - len(slots)) + len(slots)
    assert set((dev.folder / "queued.log").read_text().split()) == wanted
    assert set((dev.folder / "streamed.log").read_text().split()) == wanted
    assert dev.stop() == 0
