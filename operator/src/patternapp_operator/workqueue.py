"""What is to be reconciled, and when.

What holds here:

* A key waits at most once, and is never handed out twice at a time: what is added while it is worked on waits until it
  is done.
* Of the keys that are due, the more urgent come first, and of equals the one that was due first; but no priority comes
  before the next by more than `HEAD_START`: what changes without end does not keep others waiting without end.
* A tenant whose keys were handed out faster than one a `TURN` counts as later, by `HEAD_START` at most: a flood of one
  is passed by the few keys of all others, two floods take turns, and nobody waits without end. A tenant's own keys keep
  their order.
* No I/O and no sleep; time comes from the clock, chance from `chance`.
"""

from __future__ import annotations

import enum
import heapq
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from patternapp_operator.clock import Clock

K = TypeVar("K", bound="Hashable")
FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
"""Seconds. An object of somebody else that is in the way goes without notice; this is how long it stays unseen."""


HEAD_START = 5.0
"""Seconds by which one priority comes before the next."""


TURN = 0.1
"""Seconds of a tenant's time that a key takes, where others wait. It is more than most take in truth, so that whoever
has a backlog has used his time up."""
_MANY = 1_000
"""Tenants of which it is known how much of their time they used, before those who used none are forgotten."""


class Priority(enum.IntEnum):
    """How urgent; the least number first."""

    EDIT = 0
    CHILD = 1
    RESYNC = 2


@dataclass(frozen=True, slots=True)
class _Entry:
    priority: Priority
    due: float
    number: int


class WorkQueue(Generic[K]):
    """Keys with priorities, delays and exponential backoff."""

    def __init__(
        self,
        clock: Clock,
        *,
        wake: Callable[[], None] = lambda: None,
        chance: Callable[[], float] = random.random,
        tenant: Callable[[K], Hashable] = lambda key: key,
    ) -> None:
        """A queue without keys.

        Args:
            clock: Its monotonic reading is the queue's time.
            wake: Called whenever the answer of `take` or `next_due` may have changed.
            chance: A number in [0, 1) that spreads retries, so that what failed together does not return together.
            tenant: Whose a key is.
        """
        self._clock = clock
        self._wake = wake
        self._chance = chance
        self._tenant = tenant
        self._used: dict[Hashable, float] = {}
        self._entries: dict[K, _Entry] = {}
        self._active: set[K] = set()
        self._failures: dict[K, int] = {}
        self._ready: dict[Hashable, list[tuple[float, int, K]]] = {}
        self._later: list[tuple[float, int, K]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def active(self) -> int:
        """How many keys are worked on."""
        return len(self._active)

    def add(self, key: K, priority: Priority, *, delay: float = 0.0) -> None:
        """Let a key wait; one that waits already keeps the more urgent priority and the earlier time."""
        due = self._clock.monotonic() + delay
        known = self._entries.get(key)
        if known is not None:
            if known.priority <= priority and known.due <= due:
                return
            priority, due = min(known.priority, priority), min(known.due, due)
        self._number += 1
        self._entries[key] = _Entry(priority, due, self._number)
        heapq.heappush(self._later, (due, self._number, key))
        self._wake()

    def take(self) -> K | None:
        """The most urgent key that is due and not worked on; it counts as worked on until `done`."""
        self._promote()
        now = self._clock.monotonic()
        while self._ready:
            tenant = min(self._ready, key=lambda one: self._rank(one, now))
            waiting = self._ready[tenant]
            _, number, key = heapq.heappop(waiting)
            if not waiting:
                del self._ready[tenant]
            entry = self._entries.get(key)
            if entry is None or entry.number != number or key in self._active:
                continue
            del self._entries[key]
            self._active.add(key)
            self._use(tenant, now)
            return key
        return None

    def done(self, key: K) -> None:
        """The work on a key has ended; what was added meanwhile is due now or when it said."""
        self._active.discard(key)
        entry = self._entries.get(key)
        if entry is not None:
            heapq.heappush(self._later, (entry.due, entry.number, key))
        self._wake()

    def retry(self, key: K, *, at_least: float = 0.0) -> float:
        """Let a key wait after a failure, twice as long each time; returns the seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        longest = min(FIRST_DELAY * (1 << min(failures, 16)), LONGEST_DELAY)
        delay: float = max(longest * (0.75 + self._chance() / 4), at_least)
        self.add(key, Priority.RESYNC, delay=delay)
        return delay

    def clear(self) -> None:
        """Let nothing wait any more; what is worked on is not touched."""
        self._entries.clear()
        self._failures.clear()
        self._ready.clear()
        self._later.clear()
        self._used.clear()

    def forget(self, key: K) -> None:
        """The key went well: its next failure is its first."""
        self._failures.pop(key, None)

    def next_due(self) -> float | None:
        """Seconds until a key is due; None when nothing waits. A key that is worked on does not count."""
        if self._ready:
            return 0.0
        while self._later and not self._current(self._later[0][2], self._later[0][1]):
            heapq.heappop(self._later)
        return max(self._later[0][0] - self._clock.monotonic(), 0.0) if self._later else None

    def oldest(self) -> float:
        """Seconds that the key which waits longest is overdue."""
        now = self._clock.monotonic()
        return max((now - entry.due for entry in self._entries.values() if entry.due <= now), default=0.0)

    def _promote(self) -> None:
        now = self._clock.monotonic()
        while self._later and self._later[0][0] <= now:
            _, number, key = heapq.heappop(self._later)
            if self._current(key, number) and key not in self._active:
                entry = self._entries[key]
                waiting = self._ready.setdefault(self._tenant(key), [])
                heapq.heappush(waiting, (entry.due + entry.priority * HEAD_START, number, key))

    def _rank(self, tenant: Hashable, now: float) -> tuple[float, float, int]:
        """The least of these is next: when a tenant's first key counts as due, and of equals who used less time."""
        due, number, _ = self._ready[tenant][0]
        used = self._used.get(tenant, now)
        if used <= now:
            return due, 0.0, number
        return max(due, min(used, now + HEAD_START)), used, number

    def _use(self, tenant: Hashable, now: float) -> None:
        """Put down that a tenant's key was handed out: until when the tenant has used its time."""
        self._used[tenant] = max(self._used.get(tenant, now), now) + TURN
        if len(self._used) > _MANY:
            self._used = {one: used for one, used in self._used.items() if used > now}

    def _current(self, key: K, number: int) -> bool:
        entry = self._entries.get(key)
        return entry is not None and entry.number == number
