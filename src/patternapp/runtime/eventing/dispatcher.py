"""Delivers what triggers matched: one dispatcher a trigger, many deliveries at once.

What holds here:

* A delivery is leased before it is tried and settled after; whatever happens between, the lease runs out or the next
  `dev` frees it, so nothing is lost and a subscriber may see an event twice.
* One trigger's slow or broken subscriber holds up no other trigger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import delivery
from patternapp.consume.log import Settled
from patternapp.runtime.eventing import verdicts
from patternapp.runtime.eventing.underway import UnderWay

if TYPE_CHECKING:
    from patternapp.plan import model
    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.store.records import Lease

CONCURRENT = 64
"""Deliveries of one trigger under way at most."""
LEASE_MARGIN = 600.0
"""Seconds beyond the attempt's timeout that a lease lasts: time to wait for an instance of the function."""


class Dispatcher:
    """Delivers one trigger's events to its head."""

    def __init__(self, trigger: model.Trigger, engine: Engine) -> None:
        self._trigger = trigger
        self._engine = engine
        self._bell = engine.bells.of(trigger.key)
        self._limit = min(CONCURRENT, engine.caller.capacity(trigger.head))
        self._under_way = UnderWay(self._bell)

    @property
    def under_way(self) -> int:
        """How many deliveries are under way."""
        return len(self._under_way)

    async def run(self) -> None:
        """Deliver until the task is cancelled; what is under way then gets the engine's grace to finish."""
        try:
            while True:
                known = self._bell.rings
                self._under_way.check()
                # Leasing several at a time keeps the number of writes low under load.
                free = self._limit - len(self._under_way)
                leases, due = await self._lease(free) if free * 2 >= self._limit else ((), None)
                for lease in leases:
                    self._under_way.start(self._deliver(lease))
                if not leases:
                    await self._bell.wait(known, seconds=self._engine.seconds_until(due))
        finally:
            await self._under_way.drain(within=self._engine.grace.left("deliveries"))

    async def _lease(self, limit: int) -> tuple[tuple[Lease, ...], float | None]:
        edge = self._trigger.key
        now = self._engine.clock.now()
        until = now + self._trigger.delivery.timeout + LEASE_MARGIN
        return await self._engine.persist(
            lambda writes: (writes.lease(edge, limit=limit, now=now, until=until), writes.next_due(edge)), edge=edge
        )

    async def _deliver(self, lease: Lease) -> None:
        trigger, engine = self._trigger, self._engine
        within = trigger.delivery.timeout
        if lease.last_words:
            outcome = await engine.caller.bury(trigger.dead_letter, lease.event, number=lease.seq, within=within)
        else:
            outcome = await engine.caller.call(trigger.head, lease.event, number=lease.seq, within=within)
        decision = delivery.decide(outcome, attempt=lease.attempts + 1, spec=trigger.delivery)
        settlement = verdicts.settlement(
            Settled(lease, outcome, decision),
            dead_letter=trigger.dead_letter,
            broker=engine.broker,
            now=engine.clock.now(),
        )
        await engine.settle((settlement,), edge=trigger.key)
