"""How many batches a backlog is worth at once, as KEDA counts Pods. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """One batch at once for every `lag` events that are not done, up to `most`."""

    lag: int
    most: int

    def batches(self, events: int) -> int:
        """For so many events, those under way included; none for none."""
        return min(self.most, -(-events // self.lag))
