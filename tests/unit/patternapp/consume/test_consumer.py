"""The core over a log in memory: how much is under way at once, and how it ends."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from patternapp import delivery
from patternapp.cloudevents import Event
from patternapp.consume import backlog, consumer, items, memory, orders

if TYPE_CHECKING:
    from collections.abc import Sequence

DEADLINE = 30.0
SPEC = delivery.DeliverySpec(retry=0, backoff_delay=0.0)


class Target:
    """Answers once it may; remembers what it was given."""

    def __init__(self) -> None:
        self.called: list[list[str]] = []
        self.calls = asyncio.Semaphore(0)
        self.buried: list[str] = []
        self.may = asyncio.Event()
        self.outcome = delivery.Outcome(destination="f", code=204)

    async def call(self, deliveries: Sequence[items.Item]) -> list[delivery.Outcome]:
        self.called.append([str(one.event.attributes["id"]) for one in deliveries])
        self.calls.release()
        await self.may.wait()
        return [self.outcome] * len(deliveries)

    async def bury(self, letter: items.Item) -> delivery.Outcome:
        self.buried.append(str(letter.event.attributes["id"]))
        return delivery.Outcome(destination="d", code=202)


class Rig:
    """A consumer of a log in memory that holds so many events, each a batch of its own."""

    def __init__(self, count: int, *, concurrency: int) -> None:
        self.done: list[items.Item] = []
        self.ended = asyncio.Event()
        batching = orders.Batching(count=1, size=1000, wait=0.0)
        held = backlog.Backlog(orders.Unordered(batching), SPEC)
        self.log = memory.MemoryLog(held, clock=time.monotonic, done=self.end)
        self.target = Target()
        self.consumer = consumer.Consumer(self.log, self.target, spec=SPEC, concurrency=concurrency)
        self.stopping = asyncio.Event()
        self.lane = items.Lane()
        self.log.arrive(
            [
                items.Item(
                    Event({"specversion": "1.0", "id": str(number), "source": "/t", "type": "t"}, None),
                    self.lane,
                    number,
                    10,
                    0.0,
                )
                for number in range(count)
            ]
        )

    def end(self, done: Sequence[items.Item]) -> None:
        self.done += done
        self.ended.set()

    def start(self, *, grace: float = DEADLINE) -> asyncio.Task[None]:
        return asyncio.create_task(self.consumer.run(self.stopping, grace=lambda: grace))

    async def calls(self, count: int) -> None:
        """Wait for so many more calls."""
        async with asyncio.timeout(DEADLINE):
            for _ in range(count):
                await self.target.calls.acquire()


async def test_no_more_requests_are_under_way_than_agreed() -> None:
    rig = Rig(5, concurrency=2)
    running = rig.start()
    await rig.calls(2)
    await asyncio.sleep(0)

    assert len(rig.target.called) == 2

    rig.target.may.set()
    await rig.calls(3)
    rig.stopping.set()
    await running
    assert len(rig.done) == 5


async def test_at_the_end_what_is_under_way_is_finished_and_nothing_more_is_taken() -> None:
    rig = Rig(5, concurrency=2)
    running = rig.start()
    await rig.calls(2)

    rig.stopping.set()
    rig.target.may.set()
    await running

    assert [item.position for item in rig.done] == [0, 1]


async def test_what_is_not_finished_within_the_grace_is_abandoned() -> None:
    rig = Rig(5, concurrency=2)
    running = rig.start(grace=0.0)
    await rig.calls(2)

    rig.stopping.set()
    await running

    assert rig.done == []
    assert rig.log.backlog.tally.pending == 5


async def test_what_the_function_refuses_is_buried() -> None:
    rig = Rig(1, concurrency=1)
    rig.target.outcome = delivery.Outcome(destination="f", code=422)
    rig.target.may.set()
    running = rig.start()

    async with asyncio.timeout(DEADLINE):
        await rig.ended.wait()
    rig.stopping.set()
    await running

    assert rig.target.buried == ["0"]


async def test_a_lane_that_is_released_waits_for_what_is_in_flight() -> None:
    rig = Rig(3, concurrency=1)
    running = rig.start()
    await rig.calls(1)

    releasing = asyncio.create_task(rig.log.release([rig.lane]))
    await asyncio.sleep(0)
    assert not releasing.done()
    rig.target.may.set()
    await releasing

    assert [item.position for item in rig.done] == [0]
    rig.stopping.set()
    await running
    assert len(rig.target.called) == 1
