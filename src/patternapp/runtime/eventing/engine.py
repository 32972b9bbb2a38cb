"""What the moving parts of one `dev` share: the store, the Broker, the caller, the clock, the bells."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from patternapp import errors
from patternapp.runtime.bells import Bell
from patternapp.runtime.store.records import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from patternapp.runtime.bells import Bells
    from patternapp.runtime.clock import Clock
    from patternapp.runtime.eventing.broker import Broker
    from patternapp.runtime.eventing.caller import Caller
    from patternapp.runtime.grace import Grace
    from patternapp.runtime.listener import Listener
    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import Settlement
    from patternapp.runtime.store.writes import Writes


T = TypeVar("T")
RETRY_SECONDS = 1.0
"""Seconds before a write that failed is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The shared parts, and the one way in which leases are settled.

    `grace` is what deliveries under way get to finish at the end; `settled` is rung after every settlement.
    """

    store: Store
    broker: Broker
    caller: Caller
    clock: Clock
    bells: Bells
    listener: Listener
    grace: Grace
    settled: Bell = field(default_factory=Bell)

    def seconds_until(self, due: float | None) -> float | None:
        """Seconds until an instant, at least none; None where there is nothing to wait for."""
        return None if due is None else max(0.0, due - self.clock.now())

    async def persist(self, work: Callable[[Writes], T], *, edge: str) -> T:
        """Write until it succeeds: on a full disk, say, deliveries wait instead of being lost or done twice."""
        while True:
            try:
                return await self.store.write(work)
            except errors.StoreError as error:
                self.listener.changed(f"{edge}: {error}; trying again in {RETRY_SECONDS:g} s", "error")
                await asyncio.sleep(RETRY_SECONDS)

    async def settle(self, settlements: tuple[Settlement, ...], *, edge: str) -> None:
        """Settle leases in one transaction, then wake whoever their replies concern and tell about failures.

        A lease that was lost meanwhile is left alone: its delivery is somebody else's.
        """
        now = self.clock.now()

        def work(writes: Writes) -> list[Settlement]:
            kept = []
            for settlement in settlements:
                with contextlib.suppress(errors.LeaseLost):
                    writes.settle(settlement, now=now)
                    kept.append(settlement)
            return kept

        for settlement in await self.persist(work, edge=edge):
            if settlement.reply is not None:
                self.broker.ring(settlement.reply)
            if settlement.state is not State.DELIVERED:
                self.listener.failed(edge, settlement, now=now)
        self.settled.ring()
