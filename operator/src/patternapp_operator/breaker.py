"""Stops a fight over an object: a bucket of tokens for each, one taken for every time that it is put right again.

What holds here: only corrections of what others changed take tokens; a change of the app itself never does. A fight
over one object takes nothing from another, so that a hundred that were deleted at once are made again at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patternapp.cluster.resources import Ref
    from patternapp_operator.clock import Clock

CAPACITY = 10
REFILL = 0.1
"""Tokens a second: in the long run an object is put right every ten seconds at most."""
COOLDOWN = 60.0
"""Seconds without corrections once the bucket is empty."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    open_until: float = 0.0


class Breaker:
    """One bucket an object."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[Ref, _Bucket] = {}

    def allow(self, ref: Ref) -> bool:
        """Take a token; False where there is none, and until the cooldown has passed."""
        now = self._clock.monotonic()
        bucket = self._buckets.setdefault(ref, _Bucket(CAPACITY, now))
        bucket.tokens = min(CAPACITY, bucket.tokens + (now - bucket.at) * REFILL)
        bucket.at = now
        if now < bucket.open_until:
            return False
        if bucket.tokens < 1:
            bucket.open_until = now + COOLDOWN
            return False
        bucket.tokens -= 1
        return True

    def forget(self, ref: Ref) -> None:
        """The object is not wanted any more."""
        self._buckets.pop(ref, None)
