"""The outbox of one entry, whichever database it is in.

What holds here: every method raises `errors.StoreError` where the database fails, with what is wrong and the mend; then
the connection is to be closed, and what was not removed is there still.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Collection

    from patternapp_services.outbox.changes import Change, Place

WINDOW = 500
"""Changes that are looked at together; among them those whose turn it is are found."""
ROUND = 50
"""Changes that are sent together at most: in memory all of them, each of 1 MiB at most."""


@dataclass(slots=True, kw_only=True)
class Round:
    """Changes that nobody else has while the round lasts, and what came of them.

    Attributes:
        turns: Changes to be sent, each list in its order.
        others: Whether changes wait that could not be had now, because another reader has them.
        done: Numbers of changes that are to be removed at the end.
        refused: Numbers that are to be kept, and passed over from now on, with the reason.
    """

    turns: list[list[Change]]
    others: bool
    done: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How many changes wait, how many were refused, and for how many seconds the oldest has waited."""

    pending: int
    refused: int
    lag: float


class Journal(Protocol):
    """One connection to the database.

    Attributes:
        place: Where the table was found by `prepare`.
    """

    place: Place

    async def prepare(self) -> None:
        """Have the table and the trigger there as they must be; cheap where they are."""

    def round(self, *, resting: Collection[int]) -> contextlib.AbstractAsyncContextManager[Round]:
        """Take changes; what the block leaves in the round is committed at its end, and nothing if it raises."""

    async def wait(self, seconds: float) -> None:
        """Return once a change may have been noted, or after these seconds."""

    async def figures(self) -> Figures:
        """How it stands."""


def cut(found: list[list[int]]) -> list[list[int]]:
    """These turns as far as a round holds them: the first change of each, and more where there is room."""
    room = ROUND - len(found)
    ours: list[list[int]] = []
    for turn in found[:ROUND]:
        more = turn[1 : 1 + max(room, 0)]
        room -= len(more)
        ours.append([turn[0], *more])
    return ours
