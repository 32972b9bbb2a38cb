"""kill -9 at any moment: what was accepted is not lost, and the ledger balances after the next start."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness import Dev

ROUNDS = 20
EVENTS = 500
APP = """
delivery: {retry: 5, backoffPolicy: linear, backoffDelay: 20ms, timeout: 10s}
functions: [{name: f, handler: "fn:app", scale: {max: 2, concurrency: 20}}]
fanOut:
  - name: all
    filters: [{exact: {type: ping}}]
    subscribers: [{name: f, function: f}]
queues:
  - name: q
    filters: [{exact: {type: ping}}]
    kafka: {bootstrapServers: ["kafka:9092"], topic: q}
    function: f
    batch: {max: 50, wait: 20ms}
streams:
  - name: s
    filters: [{exact: {type: ping}}]
    kafka: {bootstrapServers: ["kafka:9092"], topics: [s], consumerGroup: s}
    function: f
    batch: {max: 50, wait: 20ms}
"""
FUNCTION = """
from patternapp.receiver import Event, Receiver

app = Receiver()


@app.on("ping")
def one(data: dict) -> None:
    pass


@app.on_batch("ping")
def many(events: list[Event[dict]]) -> None:
    with open("done.log", "a") as log:
        log.write("".join(f"{event.attributes['id']}\\n" for event in events))
"""


def send_until_killed(dev: Dev, prefix: str, accepted: list[str]) -> None:
    for number in range(EVENTS):
        id_ = f"{prefix}-{number}"
        try:
            if dev.send("ping", {"n": number}, id_=id_, partitionkey=str(number % 7)).status == 202:
                accepted.append(id_)
        except OSError:
            return


@pytest.mark.timeout(600)
def test_nothing_that_was_accepted_is_lost_over_twenty_kills(dev: Dev) -> None:
    dev.write(APP, fn=FUNCTION)
    seeded = random.Random(20)  # noqa: S311 - moments to kill at, not secrets
    accepted: list[str] = []

    for round_ in range(ROUNDS):
        dev.start("--no-reload")
        sender = threading.Thread(target=send_until_killed, args=(dev, str(round_), accepted))
        sender.start()
        sender.join(timeout=seeded.uniform(0.05, 1.2))
        dev.kill()
        sender.join()
    dev.start("--no-reload")
    ledger = dev.settled(within=60)

    assert ledger["accepted"] >= len(accepted) > ROUNDS
    assert ledger["deliveries"] == 3 * ledger["accepted"] == ledger["delivered"]
    assert set(accepted) <= set((dev.folder / "done.log").read_text().split())
    assert dev.stop() == 0
