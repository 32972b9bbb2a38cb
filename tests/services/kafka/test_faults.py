"""What must hold while things break: nothing is lost, and only what was not committed comes twice.

By default each test is as small as shows the fault. With `FAULTS=full` there are 100 kills while 50,000 records flow,
two minutes of rebalances, and a minute without the function.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest
from harness import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.kafka import Broker
    from services.functions import Answer, Events, Function
    from services.kafka.rig import Topic
    from services.programs import Service

FULL = os.environ.get("FAULTS") == "full"
KILLS, RECORDS = (100, 50_000) if FULL else (4, 1200)
STORM_SECONDS = 120.0 if FULL else 15.0
AWAY_SECONDS = 60.0 if FULL else 3.0
REBALANCE_EVERY = 3.0
SILENT_AT_MOST = 30.0


@pytest.mark.timeout(3600 if FULL else 240)
def test_workers_that_are_killed_lose_nothing_and_repeat_only_what_was_not_committed(
    topic: Topic, function: Function
) -> None:
    workers = [topic.worker(function.url).start(), topic.worker(function.url).start()]
    wanted: set[str] = set()
    committed_at_kill: list[tuple[float, dict[int, int]]] = []

    for kill in range(KILLS):
        fresh = topic.write(RECORDS // KILLS)
        wanted |= fresh
        function.begins(fresh, within=120)
        committed_at_kill.append((time.monotonic(), topic.committed()))
        workers[kill % 2].program.kill()
        workers[kill % 2].start()

    function.has(wanted, within=120)
    eventually(lambda: topic.lag() == 0, within=60)
    assert repeated_although_committed(topic, function, committed_at_kill) == []


def repeated_although_committed(
    topic: Topic, function: Function, committed_at: list[tuple[float, dict[int, int]]]
) -> list[tuple[str, float]]:
    """Events that came after a moment at which their offset was committed already, once they had come before it."""
    first: dict[str, float] = {}
    wrong: list[tuple[str, float]] = []
    for call in tuple(function.calls):
        known = next((offsets for at, offsets in reversed(committed_at) if at < call.at), {})
        for event in call.events:
            number = int(event["id"])
            if number // topic.partitions < known.get(number % topic.partitions, 0) and event["id"] in first:
                wrong.append((event["id"], call.at))
            first.setdefault(event["id"], call.at)
    return wrong


@pytest.mark.timeout(600)
def test_no_partition_falls_silent_while_the_group_rebalances_again_and_again(topic: Topic, function: Function) -> None:
    for _ in range(2):
        topic.worker(function.url).start()
    began = time.monotonic()

    with writing(topic) as ids:
        while time.monotonic() - began < STORM_SECONDS:
            with topic.passing_worker(function.url):
                lasts(REBALANCE_EVERY)
    ended = time.monotonic()

    function.has(ids, within=120)
    eventually(lambda: topic.lag() == 0)
    for partition in range(topic.partitions):
        arrivals = [
            call.at for call in function.calls if any(int(e["id"]) % topic.partitions == partition for e in call.events)
        ]
        moments = sorted([began, *arrivals, ended])
        assert max(later - earlier for earlier, later in itertools.pairwise(moments)) < SILENT_AT_MOST


def lasts(seconds: float) -> None:
    """So long a fault lasts."""
    until = time.monotonic() + seconds
    eventually(lambda: time.monotonic() > until, within=seconds + 30)


@contextlib.contextmanager
def writing(topic: Topic) -> Iterator[set[str]]:
    """Events are written to every partition until the end of the block."""
    ids: set[str] = set()
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.1):
            ids.update(topic.write(2 * topic.partitions))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield ids
    finally:
        over.set()
        writer.join()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_work_goes_on_when_the_broker_is_back(topic: Topic, function: Function, end: str, kafka_broker: Broker) -> None:
    worker = topic.worker(function.url).start()
    function.has(topic.write(40))
    eventually(lambda: topic.lag() == 0)

    {"stop": kafka_broker.stop, "kill": kafka_broker.kill}[end]()
    kafka_broker.start()

    function.has(topic.write(40))
    eventually(lambda: topic.lag() == 0)
    assert set(function.counted().values()) == {1}
    assert worker.ledger()["pending"] == 0


def test_an_event_that_hangs_the_function_is_a_dead_letter_and_its_neighbors_are_not_held_up(
    topic: Topic, function: Function, sink: Function
) -> None:
    over = threading.Event()

    def answer(events: Events) -> Answer:
        if any(event["id"] == "7" for event in events):
            over.wait(60)
        return 204, b""

    function.answer = answer
    delivery = {"retry": 1, "backoffPolicy": "linear", "backoffDelaySeconds": 0.1, "timeoutSeconds": 2.0}
    worker = topic.worker(function.url, delivery=delivery, deadLetter={"uri": sink.url}).start()

    wanted = topic.write(60)

    function.has(wanted)
    eventually(lambda: topic.lag() == 0)
    over.set()
    assert sink.ids == ["7"]
    assert worker.ledger() == {"received": 60, "delivered": 59, "dead_lettered": 1, "returned": 0, "pending": 0}


def test_a_function_that_is_away_costs_no_attempts(topic: Topic, function: Function, sink: Function) -> None:
    once = {"retry": 0, "backoffPolicy": "linear", "backoffDelaySeconds": 0.1, "timeoutSeconds": 30.0}
    worker = topic.worker(function.url, delivery=once, deadLetter={"uri": sink.url}).start()
    function.has(topic.write(20))

    function.stop()
    wanted = topic.write(200)
    eventually(lambda: worker.ledger()["received"] == 220)
    lasts(AWAY_SECONDS)
    function.start()

    function.has(wanted)
    eventually(lambda: topic.lag() == 0)
    assert worker.ledger() == {"received": 220, "delivered": 220, "dead_lettered": 0, "returned": 0, "pending": 0}
    assert not sink.calls


def test_while_the_dead_letter_sink_is_away_nothing_is_lost_and_other_partitions_go_on(
    topic: Topic, function: Function, sink: Function
) -> None:
    function.answer = lambda events: (400, b"never") if any(event["id"] == "0" for event in events) else (204, b"")
    sink.stop()
    worker = topic.worker(function.url, ordered=True, deadLetter={"uri": sink.url}).start()
    topic.write(8)
    function.has(set(map(str, range(8))) - {"4"})
    assert topic.committed().get(0, 0) == 0

    sink.start()

    function.has({"4"})
    eventually(lambda: topic.lag() == 0)
    assert sink.ids == ["0"]
    assert worker.ledger()["dead_lettered"] == 1


def test_a_worker_whose_commit_is_refused_goes_on_and_nothing_is_lost(topic: Topic, function: Function) -> None:
    slept = topic.worker(function.url)
    frozen = threading.Event()

    def answer(_: Events) -> Answer:
        if not frozen.is_set():
            frozen.set()
            slept.program.pause()  # the group gives it up before it can commit this
        return 204, b""

    function.answer = answer
    slept.start()
    wanted = topic.write(40)
    assert frozen.wait(60)

    other = topic.worker(function.url).start()
    function.has(wanted)
    eventually(lambda: topic.lag() == 0)
    slept.program.resume()

    function.has(topic.write(40))
    eventually(lambda: topic.lag() == 0)
    eventually(lambda: balanced(slept, other))


def balanced(*workers: Service) -> bool:
    return all(worker.ledger()["pending"] == 0 for worker in workers)
