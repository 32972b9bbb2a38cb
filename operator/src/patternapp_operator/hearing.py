"""Whether the watches still tell: a watch that is dead or stuck makes no noise.

What holds here: what a list finds, the watch of that kind tells as well, moments before or after. If it does not within
`LIMIT`, the watch is dead, whatever its connection looks like. Quiet alone is no sign: nothing may have happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from patternapp.cluster.resources import ApiKind
    from patternapp_operator.clock import Clock

LIMIT = 120.0
"""Seconds; a watch that hangs is opened anew after 70, and one that is refused after 10 at most."""


@dataclass(slots=True)
class Hearing:
    """What lists found and no watch has told of yet. Resource versions of one kind grow."""

    clock: Clock
    _told: dict[ApiKind, int] = field(default_factory=dict)
    _found: dict[ApiKind, tuple[int, float]] = field(default_factory=dict)

    def told(self, kind: ApiKind, version: int) -> None:
        """A watch told of an object at this version."""
        self._told[kind] = max(version, self._told.get(kind, 0))
        if kind in self._found and self._found[kind][0] <= version:
            del self._found[kind]

    def found(self, kind: ApiKind, version: int) -> None:
        """A list has an object at this version."""
        if kind not in self._found and version > self._told.get(kind, 0):
            self._found[kind] = (version, self.clock.monotonic())

    def keep(self, kinds: Collection[ApiKind]) -> None:
        """These are watched, and no others any more."""
        self._found = {kind: found for kind, found in self._found.items() if kind in kinds}

    def deaf(self) -> list[str]:
        """The kinds of which the watch is dead, by the names of their definitions."""
        oldest = self.clock.monotonic() - LIMIT
        return sorted(kind.definition for kind, (_, since) in self._found.items() if since < oldest)
