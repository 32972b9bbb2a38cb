"""The embedded queue or stream as a `consume.log.Log`: rows of the store, which are leased and settled.

What holds here:

* What is handed out is leased before and settled after, so the store alone knows what waits, what is being tried and
  how often it was: nothing of that is in memory, and nothing is lost with the process. What was leased for a `take`
  that is cancelled is free again when the lease runs out, or the next `dev` begins.
* Unordered: any due events, as many batches at once as the backlog asks for. Ordered: one batch a partition at a time,
  and the first event of a partition holds up the rest until it is done.
* Time is the engine's clock, and waits end by the edge's bell, so a virtual clock drives it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.consume.scaling import Scaling
from patternapp.runtime.eventing import verdicts
from patternapp.runtime.eventing.dispatcher import LEASE_MARGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.consume.log import Settled
    from patternapp.plan import model
    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.store.records import Lease


class Leases:
    """What waits in the store for one Consume edge.

    Args:
        consume: How it is taken.
        edge: The key that its deliveries have in the store.
        engine: The store, and what time it is.
    """

    def __init__(self, consume: model.Consume, edge: str, engine: Engine) -> None:
        self._consume = consume
        self._edge = edge
        self._engine = engine
        self._bell = engine.bells.of(edge)
        self._size = consume.batch_max or 1
        self._scaling = Scaling(lag=consume.lag, most=consume.max)
        self._batches = 0
        self._busy: set[int] = set()
        self._last = -1

    async def take(self) -> Sequence[Lease]:
        some = self._next_in_order if self._consume.ordered else self._next
        while True:
            known = self._bell.rings
            leases, due = await some()
            if leases:
                self._batches += 1
                return leases
            await self._bell.wait(known, seconds=self._engine.seconds_until(due))

    async def settle(self, settled: Sequence[Settled[Lease]]) -> None:
        now = self._engine.clock.now()
        settlements = tuple(
            verdicts.settlement(one, dead_letter=self._consume.dead_letter, broker=self._engine.broker, now=now)
            for one in settled
        )
        await self._engine.settle(settlements, edge=self._edge)
        self._batches -= 1
        self._busy.difference_update(one.delivery.partition for one in settled)
        self._bell.ring()

    async def _next(self) -> tuple[tuple[Lease, ...], float | None]:
        """A batch, or when to look again; None where only a ring can bring one."""
        edge, now = self._edge, self._engine.clock.now()
        cap = max(self._consume.lag * self._consume.max, self._size)
        ready, since, due = await self._engine.store.read(lambda reads: reads.ready(edge, now=now, up_to=cap))
        if not ready or self._batches >= self._scaling.batches(ready + self._batches * self._size):
            return (), due
        if (later := self._full_at(ready, since)) is not None:
            return (), later
        until = now + self._consume.delivery.timeout + LEASE_MARGIN
        leases = await self._engine.persist(
            lambda writes: writes.lease_batch(edge, limit=self._size, now=now, until=until), edge=edge
        )
        return leases, now

    async def _next_in_order(self) -> tuple[tuple[Lease, ...], float | None]:
        """The same, of the partitions that have no batch out; the others' turn comes before that of the last."""
        waiting = await self._engine.store.read(lambda reads: reads.ready_in_order(self._edge, up_to=self._size))
        dues: list[float] = []
        for partition, ready, since in sorted(waiting, key=lambda one: (one[0] <= self._last, one[0])):
            if partition in self._busy:
                continue
            if (later := self._full_at(ready, since)) is not None:
                dues.append(later)
                continue
            leases, due = await self._lease_in_order(partition)
            if leases:
                self._busy.add(partition)
                self._last = partition
                return leases, None
            if due is not None:
                dues.append(due)
        return (), min(dues, default=None)

    async def _lease_in_order(self, partition: int) -> tuple[tuple[Lease, ...], float | None]:
        edge, now = self._edge, self._engine.clock.now()
        until = now + self._consume.delivery.timeout + LEASE_MARGIN
        return await self._engine.persist(
            lambda writes: (
                writes.lease_in_order(edge, partition, limit=self._size, now=now, until=until),
                writes.next_due_in_order(edge, partition),
            ),
            edge=edge,
        )

    def _full_at(self, ready: int, since: float | None) -> float | None:
        """Until when to wait for a fuller batch, measured from its first event; None where it can go now."""
        if since is None or ready >= self._size:
            return None
        later = since + self._consume.batch_wait
        return later if later > self._engine.clock.now() else None
