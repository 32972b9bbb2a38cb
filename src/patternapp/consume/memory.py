"""A log made of a backlog: a broker's client puts items in, the core takes them out, the client hears of the end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from patternapp.consume.backlog import Backlog
    from patternapp.consume.items import Item, Lane
    from patternapp.consume.log import Settled


class MemoryLog:
    """A `log.Log` over a backlog; to be used in one event loop.

    Args:
        backlog: What it holds.
        clock: Seconds, which only ever grow.
        done: Told of items that need nothing more, so that they can be acknowledged.
    """

    def __init__(self, backlog: Backlog, *, clock: Callable[[], float], done: Callable[[Sequence[Item]], None]) -> None:
        self.backlog = backlog
        self._clock = clock
        self._done = done
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()

    def arrive(self, items: Sequence[Item]) -> None:
        """Hold these, which came in this order."""
        self.backlog.add(items)
        self._changed.set()

    async def take(self) -> tuple[Item, ...]:
        while True:
            self._changed.clear()
            found = self.backlog.next(self._clock())
            if isinstance(found, tuple):
                return found
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if found is None else max(0.0, found - self._clock())):
                    await self._changed.wait()

    async def settle(self, settled: Sequence[Settled[Item]]) -> None:
        done = self.backlog.settle(settled, self._clock())
        if done:
            self._done(done)
        self._changed.set()
        self._settled.set()

    def drop(self, lane: Lane) -> None:
        """Give up a lane: what waits of it is the broker's again, what is in flight comes to nothing."""
        self.backlog.drop(lane)

    async def release(self, lanes: Sequence[Lane]) -> None:
        """Give up lanes; returns once nothing of them is in flight, and `done` has been told of what ended well."""
        for lane in lanes:
            self.backlog.drop(lane)
        while any(lane.in_flight for lane in lanes):
            self._settled.clear()
            await self._settled.wait()
