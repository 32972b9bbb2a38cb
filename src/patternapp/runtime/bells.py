"""Wake-ups without lost ones: who waits names the last ring it knows of."""

from __future__ import annotations

import asyncio
import contextlib


class Bell:
    """Rung when there may be something to do. Rings between two waits count as one."""

    def __init__(self) -> None:
        self.rings = 0
        self._waiters: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake everybody who waits now, and whoever waits next for a ring it does not know."""
        self.rings += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def wait(self, known: int, *, seconds: float | None = None) -> None:
        """Return once `rings` is above `known`, or after so many seconds."""
        if self.rings > known:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiter
        finally:
            self._waiters.discard(waiter)


class Bells:
    """One bell for each edge of the plan."""

    def __init__(self) -> None:
        self._bells: dict[str, Bell] = {}

    def of(self, edge: str) -> Bell:
        """The bell of an edge."""
        return self._bells.setdefault(edge, Bell())
