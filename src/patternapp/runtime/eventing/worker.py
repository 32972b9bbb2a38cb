"""Takes batches from a queue or a stream to a function: one worker object a Consume edge.

What holds here:

* Unordered: any due events, as many batches at once as the backlog asks for, up to the edge's `max`.
* Ordered: one batch a partition at a time, and the first event of a partition holds up the rest until it is done.
* Each event of a batch is settled on its own: done, to be tried again, or dead-lettered. None is dead-lettered for
  a verdict that it shares: it goes to the function alone before (docs/adr/0013-no-event-dies-for-its-neighbor.md).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from patternapp.consume import verdicts as batch
from patternapp.runtime.eventing import verdicts
from patternapp.runtime.eventing.dispatcher import LEASE_MARGIN
from patternapp.runtime.eventing.underway import UnderWay
from patternapp.runtime.store.records import Stage

if TYPE_CHECKING:
    from patternapp.delivery import Outcome
    from patternapp.plan import model
    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.store.records import Lease


class Worker:
    """Feeds one function from one queue or stream."""

    def __init__(self, consume: model.Consume, engine: Engine) -> None:
        self._consume = consume
        self._edge = consume.tail
        self._engine = engine
        self._bell = engine.bells.of(self._edge)
        self._size = consume.batch_max or 1
        self._busy: set[int] = set()
        self._under_way = UnderWay(self._bell)

    @property
    def under_way(self) -> int:
        """How many batches are under way."""
        return len(self._under_way)

    async def run(self) -> None:
        """Take batches until the task is cancelled; what is under way then gets the engine's grace to finish."""
        start = self._start_ordered if self._consume.ordered else self._start
        try:
            while True:
                known = self._bell.rings
                self._under_way.check()
                started, due = await start()
                if not started:
                    await self._bell.wait(known, seconds=self._engine.seconds_until(due))
        finally:
            await self._under_way.drain(within=self._engine.grace.left("deliveries"))

    async def _start(self) -> tuple[bool, float | None]:
        consume, now = self._consume, self._engine.clock.now()
        cap = max(consume.lag * consume.max, self._size)
        ready, since, due = await self._engine.store.read(lambda reads: reads.ready(self._edge, now=now, up_to=cap))
        wanted = min(consume.max, -(-(ready + len(self._under_way) * self._size) // consume.lag))
        if not ready or len(self._under_way) >= wanted:
            return False, due
        if (later := self._full_at(ready, since)) is not None:
            return False, later
        leases = await self._lease(self._size)
        if leases:
            self._under_way.start(self._work(leases))
        return True, None

    async def _start_ordered(self) -> tuple[bool, float | None]:
        waiting = await self._engine.store.read(lambda reads: reads.ready_in_order(self._edge, up_to=self._size))
        dues: list[float] = []
        started = False
        for partition, ready, since in waiting:
            if partition in self._busy or len(self._busy) >= self._consume.max:
                continue
            if (later := self._full_at(ready, since)) is not None:
                dues.append(later)
                continue
            leases, due = await self._lease_in_order(partition, self._size)
            if leases:
                self._busy.add(partition)
                self._under_way.start(self._work_in_order(leases, partition))
                started = True
            elif due is not None:
                dues.append(due)
        return started, min(dues, default=None)

    def _full_at(self, ready: int, since: float | None) -> float | None:
        """Until when to wait for a fuller batch, measured from its first event; None where it can go now."""
        if since is None or ready >= self._size:
            return None
        later = since + self._consume.batch_wait
        return later if later > self._engine.clock.now() else None

    async def _lease(self, limit: int) -> tuple[Lease, ...]:
        edge, now = self._edge, self._engine.clock.now()
        until = now + self._consume.delivery.timeout + LEASE_MARGIN
        return await self._engine.persist(
            lambda writes: writes.lease_batch(edge, limit=limit, now=now, until=until), edge=edge
        )

    async def _lease_in_order(self, partition: int, limit: int) -> tuple[tuple[Lease, ...], float | None]:
        edge, now = self._edge, self._engine.clock.now()
        until = now + self._consume.delivery.timeout + LEASE_MARGIN
        return await self._engine.persist(
            lambda writes: (
                writes.lease_in_order(edge, partition, limit=limit, now=now, until=until),
                writes.next_due_in_order(edge, partition),
            ),
            edge=edge,
        )

    async def _work_in_order(self, leases: tuple[Lease, ...], partition: int) -> None:
        try:
            await self._work(leases)
        finally:
            self._busy.discard(partition)

    async def _work(self, leases: tuple[Lease, ...]) -> None:
        consume = self._consume
        if consume.batch_max is None or leases[0].stage is Stage.DEAD_LETTER_SINK:
            # The store hands out one at a time here: a dead-letter sink takes single events.
            (lease,) = leases
            await self._settle(leases, (await self._call_one(lease),))
            return
        outcome = await self._engine.caller.call_batch(consume.head, leases, within=consume.delivery.timeout)
        await self._settle(leases, batch.split(outcome, [lease.event for lease in leases]))

    async def _call_one(self, lease: Lease) -> Outcome:
        consume = self._consume
        outcome = await self._engine.caller.call(
            consume.head, lease, dead_letter=consume.dead_letter, within=consume.delivery.timeout
        )
        # A queue or a stream has no Broker to reply to (Knative's KafkaSource ignores replies too).
        return replace(outcome, reply=None)

    async def _settle(self, leases: tuple[Lease, ...], outcomes: tuple[Outcome, ...]) -> None:
        now = self._engine.clock.now()
        settlements = tuple(
            verdicts.settlement(
                lease,
                outcome,
                spec=self._consume.delivery,
                dead_letter=self._consume.dead_letter,
                broker=self._engine.broker,
                now=now,
            )
            for lease, outcome in zip(leases, outcomes, strict=True)
        )
        await self._engine.settle(settlements, edge=self._edge)
