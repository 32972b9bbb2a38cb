"""Time that passes only when a test says so, and knowing when everything waits for it.

What holds here: whoever waits for time or for a ring is parked. Once all parts of an app are, nothing happens by itself
until the clock is moved or something is published.
"""

from __future__ import annotations

from dataclasses import dataclass

from patternapp.runtime.bells import Bell, Bells

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z, where every test begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Park:
    """Somebody who waits: for a ring, or until an instant, in seconds since the epoch; None for a ring alone."""

    bell: Bell
    known: int
    until: float | None
    delivers: bool

    @property
    def rung(self) -> bool:
        """Whether it is about to go on."""
        return self.bell.rings > self.known


class VirtualClock:
    """Shows what it is set to.

    Attributes:
        news: Rung whenever somebody parks.
    """

    def __init__(self) -> None:
        self.news = Bell()
        self._now = START
        self._parked: set[Park] = set()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    async def until(self, instant: float) -> None:
        """Return once the clock was set to that instant, or later."""
        while self._now < instant:
            bell = Bell()
            await self.park(Park(bell, bell.rings, instant, delivers=False))

    async def park(self, park: Park) -> None:
        """Wait for its ring, or until the clock is set to its instant."""
        self._parked.add(park)
        self.news.ring()
        try:
            await Bell.wait(park.bell, park.known)
        finally:
            self._parked.discard(park)

    @property
    def parked(self) -> int:
        """How many wait, and are not about to go on."""
        return sum(not park.rung for park in self._parked)

    def next(self, *, of_deliveries: bool = False) -> float | None:
        """The next instant that somebody waits for, or some delivery does."""
        waiting = [park for park in self._parked if park.delivers or not of_deliveries]
        return min((park.until for park in waiting if park.until is not None), default=None)

    def set(self, instant: float) -> None:
        """Let it be that time, never an earlier one, and wake whoever waited for it."""
        self._now = max(self._now, instant)
        for park in list(self._parked):
            if park.until is not None and park.until <= self._now:
                park.bell.ring()


class VirtualBell(Bell):
    """A bell whose waits end by the virtual clock."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    async def wait(self, known: int, *, seconds: float | None = None) -> None:
        """Return once `rings` is above `known`, or the clock is so many seconds on."""
        if self.rings > known:
            return
        until = None if seconds is None else self._clock.now() + seconds
        await self._clock.park(Park(self, known, until, delivers=True))


class VirtualBells(Bells):
    """One virtual bell for each edge."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def of(self, edge: str) -> Bell:
        """The bell of an edge."""
        return self._bells.setdefault(edge, VirtualBell(self._clock))
