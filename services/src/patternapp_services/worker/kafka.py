"""Reads Kafka topics as a member of a consumer group, and commits what is done.

What holds here:

* kafka-python is synchronous: the reader's thread alone polls, commits, pauses and closes. It never waits for a
  function, so the group never takes it for dead.
* Committed is what `Partition.low` says, explicitly; a commit that is refused is tried again
  with what is done by then, and one for a partition that is no longer ours is left.
* A partition that is taken from us gets a moment for what is in flight, so that its next owner does not begin with
  the same records; then it is given up.
* kafka-python calls the listener in its I/O thread while the reader waits in `poll` or `close`: the two never touch a
  partition at once.
* What is held is bounded: partitions are paused, each for itself and all together.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

import kafka
from kafka import errors as kafka_errors

from patternapp_services.worker import members, records
from patternapp_services.worker.partitions import Holdings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from patternapp.consume.items import Item
    from patternapp.consume.memory import MemoryLog
    from patternapp_services import connections
    from patternapp_services.worker.limits import Limits
    from patternapp_services.worker.partitions import Partition, Place

_ANSWER_WITHIN = 1000
"""Milliseconds for a question that can be asked again."""
_log = logging.getLogger(__name__)


class _StuckError(Exception):
    """A partition has records that do not come; the client is to be made anew."""


class Measures(Protocol):
    """Told of what goes wrong."""

    def rejoined(self) -> None:
        """The client is made anew."""

    def commit_refused(self) -> None:
        """A commit was refused."""


class KafkaReader:
    """One member of the group.

    Args:
        log: The topics and the group.
        secrets: What opens them.
        function: The URL of the function, for what dead letters say.
        limits: How much, how often and how long.
        measures: Told of what goes wrong, beside the log.
    """

    def __init__(
        self,
        log: connections.Kafka,
        secrets: connections.Secrets,
        *,
        function: str,
        limits: Limits,
        measures: Measures | None = None,
    ) -> None:
        if log.consumer_group is None:
            raise ValueError("kafka.consumerGroup is missing")
        self._kafka = log
        self._group = log.consumer_group
        self._secrets = secrets
        self._function = function
        self._limits = limits
        self._measures = measures
        self._loop = asyncio.get_running_loop()
        self._ended: queue.SimpleQueue[Sequence[Item]] = queue.SimpleQueue()
        self._holdings = Holdings()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka reader", daemon=True)
        self._committing = False
        self._commit_due = 0.0
        self._look_due = 0.0
        self._turned = time.monotonic()
        self._sent = 0
        self._received = 0
        self._memory: MemoryLog

    def places(self) -> Sequence[Partition]:
        """The partitions that are ours, to be looked at."""
        return tuple(self._holdings.values())

    def lags(self) -> Iterable[tuple[str, str, int]]:
        """Topic, partition and lag of each that is ours, where it is known."""
        return [
            (partition.topic, str(partition.number), partition.lag)
            for partition in self.places()
            if partition.lag is not None
        ]

    def trouble(self) -> str:
        """Why the process should be restarted; empty where it should not."""
        silent = time.monotonic() - self._turned
        return f"the reader has done nothing for {silent:.0f} s" if silent > self._limits.silence else ""

    def start(self, memory: MemoryLog) -> None:
        """Join the group and fetch, into this log."""
        self._memory = memory
        self._thread.start()

    def done(self, items: Sequence[Item]) -> None:
        """These are done and may be committed; from any thread."""
        self._ended.put(items)

    async def stop(self) -> None:
        """Commit what is done and leave the group, so that others get the partitions at once."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join, self._limits.leave)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._consume()
            except Exception as error:  # noqa: BLE001 - whatever ails the client, a new one is the mend
                _log.warning("the group %s: %s: %s; joining again", self._group, type(error).__name__, error)
                if self._measures is not None:
                    self._measures.rejoined()
                self._turned = time.monotonic()
                self._stopping.wait(self._limits.pause)

    def _consume(self) -> None:
        # Without its records the consumer takes part in the group, so it is closed whatever happens.
        consumer = members.connect(self._kafka, self._secrets, self._limits)
        try:
            consumer.subscribe(topics=list(self._kafka.names), listener=members.Listener(self, consumer))
            _log.info("the group %s: reading %s", self._group, ", ".join(self._kafka.names))
            while not self._stopping.is_set():
                self._turn(consumer)
            self._drain()
            self._commit_now(consumer)
        finally:
            self._committing = False
            consumer.close(autocommit=False, timeout_ms=int(self._limits.leave * 500))
            self.give_up(tuple(self._holdings))

    def _turn(self, consumer: Any) -> None:
        now = self._turned = time.monotonic()
        self._drain()
        if now >= self._look_due:
            self._look_due = now + self._limits.look
            self._look(consumer, now)
        if now >= self._commit_due and not self._committing:
            self._commit(consumer, now)
        self._press(consumer)
        members.keep_joining(consumer)
        polled = consumer.poll(timeout_ms=int(self._limits.poll * 1000))
        if polled:
            self._arrive(polled)

    def _arrive(self, polled: dict[Any, list[Any]]) -> None:
        now = time.monotonic()
        arrived: list[Item] = []
        for place, fetched in polled.items():
            partition = self._holdings.get((place.topic, place.partition))
            if partition is not None:
                partition.arrived([record.offset for record in fetched], now=now)
                arrived += records.items(fetched, partition, group=self._group, function=self._function, now=now)
        self._sent += len(arrived)
        self._loop.call_soon_threadsafe(self._receive, arrived)

    def _receive(self, items: Sequence[Item]) -> None:
        """In the loop's thread; until it has run, the backlog does not know of them."""
        self._received += len(items)
        self._memory.arrive(items)

    def _drain(self) -> None:
        """Note what is done."""
        while not self._ended.empty():
            self._holdings.note(self._ended.get())

    def _press(self, consumer: Any) -> None:
        """Pause what has enough outstanding, resume what has room again."""
        backlog, limits = self._memory.backlog, self._limits
        held = backlog.tally.pending + self._sent - self._received
        full = held >= limits.held or backlog.size >= limits.held_bytes
        low = held <= limits.held // 2 and backlog.size <= limits.held_bytes // 2
        for (topic, number), partition in self._holdings.items():
            wide = partition.spread >= limits.spread
            if not partition.paused and (full or wide):
                consumer.pause(kafka.TopicPartition(topic, number))
                partition.paused = True
            elif partition.paused and low and not wide:
                consumer.resume(kafka.TopicPartition(topic, number))
                partition.paused = False

    def _commit(self, consumer: Any, now: float) -> None:
        offsets = self._holdings.due(self._holdings)
        if offsets:
            self._committing = True
            self._commit_due = now + self._limits.commit
            consumer.commit_async(_offsets(offsets), callback=self._committed)

    def _commit_now(self, consumer: Any) -> None:
        offsets = _offsets(self._holdings.due(self._holdings))
        if offsets:
            answer = None
            try:
                consumer.commit(offsets, timeout_ms=int(self._limits.leave * 500))
            except kafka_errors.KafkaError as error:
                answer = error
            self._committed(offsets, answer)

    def _committed(self, offsets: dict[Any, Any], answer: Any) -> None:
        self._committing = False
        if isinstance(answer, Exception):
            # Whatever it is: the offsets are still due, or the partition is somebody else's.
            self._commit_due = time.monotonic() + self._limits.pause
            if isinstance(answer, kafka_errors.RebalanceInProgressError):
                return
            if self._measures is not None:
                self._measures.commit_refused()
            _log.warning("the group %s: a commit was refused: %s: %s", self._group, type(answer).__name__, answer)
            return
        self._holdings.committed({(place.topic, place.partition): at.offset for place, at in offsets.items()})

    def _look(self, consumer: Any, now: float) -> None:
        """See where each partition stands; raises `_StuckError` where one has records that do not come."""
        if not self._holdings:
            return
        places = {place: kafka.TopicPartition(*place) for place in self._holdings}
        try:
            for place, partition in self._holdings.items():
                position = consumer.position(places[place], timeout_ms=_ANSWER_WITHIN)
                if position is None:
                    return  # so it is with the others
                partition.located(position, now=now)
            ends = consumer.end_offsets(list(places.values()), timeout_ms=_ANSWER_WITHIN)
        except kafka_errors.KafkaError:
            return  # the broker is away; nothing can be said
        for place, partition in self._holdings.items():
            partition.looked(ends.get(places[place]), now=now)
            if now - partition.moved > self._limits.stuck:
                raise _StuckError(f"{partition} stands at {partition.position}, its end is {partition.end}")

    def take_up(self, places: Sequence[Place]) -> None:
        """These are ours."""
        _log.info("the group %s: took up %s", self._group, _named(places))
        self._holdings.take_up(places, now=time.monotonic())
        self._look_due = 0.0

    async def hand_over(self, consumer: Any, places: Sequence[Place]) -> None:
        """These are being taken: finish what is in flight if it does not take long, commit, and give them up."""
        if self._stopping.is_set():
            return  # what is done was committed, and what is in flight was abandoned
        leaving = [self._holdings[place] for place in places if place in self._holdings]
        releasing = asyncio.run_coroutine_threadsafe(self._memory.release(leaving), self._loop)
        try:
            releasing.result(self._limits.hand_over)
        except concurrent.futures.TimeoutError:
            releasing.cancel()
        self._drain()
        offsets = self._holdings.due(places)
        if offsets:
            # Awaited: once the group has been joined anew, the commit would be refused.
            with contextlib.suppress(kafka_errors.KafkaError):  # the callback hears of it
                await consumer.commit_async(_offsets(offsets), callback=self._committed)
        self._holdings.give_up(places)
        _log.info("the group %s: handed over %s", self._group, _named(places))

    def give_up(self, places: Sequence[Place]) -> None:
        """These are gone: nothing of them can be committed."""
        for partition in self._holdings.give_up(places):
            self._loop.call_soon_threadsafe(self._memory.drop, partition)


def _named(places: Iterable[Place]) -> str:
    return ", ".join(f"{topic}[{number}]" for topic, number in sorted(places)) or "nothing"


def _offsets(due: Mapping[Place, int]) -> dict[Any, Any]:
    return {kafka.TopicPartition(*place): kafka.OffsetAndMetadata(offset, "", -1) for place, offset in due.items()}
