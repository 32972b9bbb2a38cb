"""How often somebody may call: a token bucket for each caller.

What holds here: each instance of the gateway counts for itself; with several, a caller may have as many times the
limit. What is kept is bounded, whoever calls.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MOST = 100_000
"""Callers that are kept; beyond, the one that was quiet longest is forgotten, and starts anew."""
_WHOLE = 1 - 1e-9
"""A token, but for what sums of fractions lose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many requests in a period, and so many at once.

    Attributes:
        requests: Requests in a period.
        period: Seconds.
        burst: Requests at once.
    """

    requests: int
    period: float
    burst: int


class Throttle:
    """Counts the callers of one route."""

    def __init__(self, limit: Limit) -> None:
        self._rate = limit.requests / limit.period
        self._burst = float(limit.burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str, *, now: float) -> float:
        """Take in a request; 0 where it may go on, else the seconds after which one may."""
        tokens, then = self._buckets.get(caller, (self._burst, now))
        tokens = min(self._burst, tokens + max(now - then, 0.0) * self._rate)
        admitted = tokens >= _WHOLE
        self._buckets[caller] = (max(tokens - 1, 0.0) if admitted else tokens, max(now, then))
        self._buckets.move_to_end(caller)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        return 0.0 if admitted else (1 - tokens) / self._rate
