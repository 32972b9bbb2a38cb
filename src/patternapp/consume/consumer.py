"""The core: takes from a log, calls the function, settles. It knows neither the log's nor the function's address.

What holds here:

* Up to `concurrency` requests are under way at once. What waits for its retry takes none of their places.
* It reads no clock and never waits by itself: when something is due is the log's to say.
* The end is in order: nothing more is taken, what is under way gets its grace, and the rest stays with the log.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from patternapp import delivery
from patternapp.consume.log import D, Delivery, Log, Settled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from patternapp.delivery import DeliverySpec, Outcome

D_contra = TypeVar("D_contra", bound=Delivery, contravariant=True)


class Target(Protocol[D_contra]):
    """Where events go."""

    async def call(self, deliveries: Sequence[D_contra]) -> Sequence[Outcome]:
        """Give them to the function in one request; what came of each, in their order."""

    async def bury(self, letter: D_contra) -> Outcome:
        """Give one to the dead-letter sink."""


class Consumer(Generic[D]):
    """Feeds one function from one log.

    Args:
        log: Where from.
        target: Where to.
        spec: How often and how patiently.
        concurrency: Requests under way at once at most.
    """

    def __init__(self, log: Log[D], target: Target[D], *, spec: DeliverySpec, concurrency: int) -> None:
        self._log = log
        self._target = target
        self._spec = spec
        self._concurrency = concurrency
        self._requests: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> int:
        """How many requests are under way."""
        return sum(not task.done() for task in self._requests)

    async def run(self, stopping: asyncio.Event, *, grace: Callable[[], float]) -> None:
        """Work until `stopping` is set or the task is cancelled, then let what is under way finish, or abandon it.

        Args:
            stopping: Set by whoever wants it to end.
            grace: Asked at the end: seconds that what is under way gets.

        Raises:
            Exception: Whatever the log raised; the log's place is then as it was.
        """
        stopped = asyncio.ensure_future(stopping.wait())
        taking: asyncio.Future[Sequence[D]] | None = None
        try:
            while not stopping.is_set():
                self._raise_failed()
                if taking is None and len(self._requests) < self._concurrency:
                    taking = asyncio.ensure_future(self._log.take())
                waiting = {stopped, *self._requests} | ({taking} if taking is not None else set())
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if taking is not None and taking.done():
                    self._requests.add(asyncio.create_task(self._work(taking.result())))
                    taking = None
        finally:
            stopped.cancel()
            if taking is not None:
                taking.cancel()
            await self._drain(grace)

    def _raise_failed(self) -> None:
        for task in [task for task in self._requests if task.done()]:
            self._requests.discard(task)
            task.result()

    async def _drain(self, grace: Callable[[], float]) -> None:
        if self._requests:
            _done, late = await asyncio.wait(self._requests, timeout=grace())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._requests = {task for task in self._requests if not task.cancelled()}
        self._raise_failed()

    async def _work(self, deliveries: Sequence[D]) -> None:
        if deliveries[0].last_words:
            outcomes: Sequence[Outcome] = (await self._target.bury(deliveries[0]),)
        else:
            outcomes = await self._target.call(deliveries)
        await self._log.settle(
            [
                Settled(one, outcome, delivery.decide(outcome, attempt=one.attempts + 1, spec=self._spec))
                for one, outcome in zip(deliveries, outcomes, strict=True)
            ]
        )
