"""Time as the runtime sees it: seconds since the epoch, from a clock that tests can replace."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the runtime's notion of now comes from."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()


def rfc3339(seconds: float) -> str:
    """An instant as CloudEvents writes it, such as ``2026-11-23T12:00:00.250000Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
