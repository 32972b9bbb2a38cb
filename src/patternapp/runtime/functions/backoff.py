"""How long to wait before the next try."""

from __future__ import annotations

FIRST = 0.25
MOST = 5.0


class Backoff:
    """Waits that double from `FIRST` to `MOST` seconds. Times are the event loop's."""

    def __init__(self) -> None:
        self._delay = FIRST
        self.until = 0.0

    def fail(self, now: float) -> None:
        """Wait from now on, twice as long as the last time."""
        self.until = now + self._delay
        self._delay = min(self._delay * 2, MOST)

    def reset(self) -> None:
        """Wait no more."""
        self.until = 0.0
        self._delay = FIRST
