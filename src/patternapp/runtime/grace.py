"""The seconds that everything under way gets to finish at the end: one deadline for all, however many wait on it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Part = Literal["deliveries", "requests", "functions"]
SHARES: dict[Part, float] = {"deliveries": 0.8, "requests": 0.9, "functions": 1.0}
"""How much of the grace is over when each part has to be done, in the order in which they end.

What hangs in a delivery must not cost functions the time to end in good order.
"""


class Grace:
    """So many seconds, counted from the first time that anybody asks for what is left of them."""

    def __init__(self, seconds: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._began: float | None = None

    def left(self, part: Part) -> float:
        """Seconds that this part still has, at least none."""
        if self._began is None:
            self._began = self._now()
        return max(0.0, self._began + SHARES[part] * self._seconds - self._now())
