"""The core: takes from a log, calls the function, settles. It knows neither the log's nor the function's address.

What holds here:

* Up to `concurrency` requests are under way at once. What waits for its retry takes none of their places.
* A function that cannot be reached at all has seen nothing: no attempt is counted, and nobody else is sent for a while.
* The end is in order: nothing more is taken, what is under way gets its grace, and the rest stays with the log.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Generic, Protocol

from patternapp import delivery
from patternapp.consume.log import D, Log, Settled
from patternapp.consume.verdicts import split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.cloudevents import Event
    from patternapp.delivery import DeliverySpec, Outcome

AWAY_PAUSE = 0.5
"""Seconds in which nothing is sent to a function that could not be reached."""


class Target(Protocol):
    """Where events go."""

    async def call(self, events: Sequence[Event[bytes | None]]) -> Outcome:
        """Give them to the function in one request."""

    async def bury(self, event: Event[bytes | None]) -> Outcome:
        """Give one to the dead-letter sink."""


class Consumer(Generic[D]):
    """Feeds one function from one log.

    Args:
        log: Where from.
        target: Where to.
        spec: How often and how patiently.
        concurrency: Requests under way at once at most.
    """

    def __init__(self, log: Log[D], target: Target, *, spec: DeliverySpec, concurrency: int) -> None:
        self._log = log
        self._target = target
        self._spec = spec
        self._concurrency = concurrency
        self._under_way: set[asyncio.Task[None]] = set()
        self._held_until = 0.0

    async def run(self, stopping: asyncio.Event, *, grace: float) -> None:
        """Work until `stopping` is set, then let what is under way finish within `grace` seconds, and abandon the rest.

        Raises:
            Exception: Whatever the log raised; the log's place is then as it was.
        """
        stopped = asyncio.ensure_future(stopping.wait())
        taking: asyncio.Future[Sequence[D]] | None = None
        try:
            while not stopping.is_set():
                self._raise_failed()
                held = self._held_until - time.monotonic()
                if taking is None and held <= 0 and len(self._under_way) < self._concurrency:
                    taking = asyncio.ensure_future(self._log.take())
                waiting = {stopped, *self._under_way} | ({taking} if taking is not None else set())
                timeout = held if taking is None and held > 0 else None
                await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                if taking is not None and taking.done():
                    self._under_way.add(asyncio.create_task(self._work(taking.result())))
                    taking = None
        finally:
            stopped.cancel()
            if taking is not None:
                taking.cancel()
            await self._drain(grace)

    def _raise_failed(self) -> None:
        for task in [task for task in self._under_way if task.done()]:
            self._under_way.discard(task)
            task.result()

    async def _drain(self, grace: float) -> None:
        if self._under_way:
            _done, late = await asyncio.wait(self._under_way, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._under_way = {task for task in self._under_way if not task.cancelled()}
        self._raise_failed()

    async def _work(self, deliveries: Sequence[D]) -> None:
        first = deliveries[0]
        if first.last_words:
            outcomes: Sequence[Outcome] = (await self._target.bury(first.event),)
        else:
            events = [one.event for one in deliveries]
            outcome = await self._target.call(events)
            if outcome.unreached:
                self._held_until = time.monotonic() + AWAY_PAUSE
            outcomes = split(outcome, events)
        await self._log.settle(
            [
                Settled(one, outcome, delivery.decide(outcome, attempt=one.attempts + 1, spec=self._spec))
                for one, outcome in zip(deliveries, outcomes, strict=True)
            ]
        )
