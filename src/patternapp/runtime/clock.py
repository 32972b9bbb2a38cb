"""Time as the runtime sees it: seconds since the epoch, from a clock that tests can replace."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

LONGEST_SLEEP = 30.0
"""Seconds slept at most before looking at the clock again, which may have been set."""


class Clock(Protocol):
    """Where the runtime's notion of now comes from."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    async def until(self, instant: float) -> None:
        """Return once it is that time, in seconds since the epoch, or later."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def until(self, instant: float) -> None:
        """Return once it is that time, in seconds since the epoch, or later."""
        while (left := instant - self.now()) > 0:  # noqa: ASYNC110 - the clock may be set
            await asyncio.sleep(min(left, LONGEST_SLEEP))


def rfc3339(seconds: float) -> str:
    """An instant as CloudEvents writes it, such as ``2026-11-23T12:00:00.250000Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
