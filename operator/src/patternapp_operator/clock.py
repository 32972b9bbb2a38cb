"""Time as the operator sees it: an instant for people, and a monotonic reading for everything that is measured."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the operator's notion of now comes from."""

    def now(self) -> datetime:
        """The instant, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The instant, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()


def rfc3339(instant: datetime) -> str:
    """An instant as metav1.Time: whole seconds, such as ``2026-11-23T12:00:00Z``."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(instant: datetime) -> str:
    """An instant as metav1.MicroTime: always six digits of a second."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
