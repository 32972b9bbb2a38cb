"""Whose turn it is: which noted changes may be sent now, so that the changes of one row arrive in their order.

What holds here:

* A change waits for every earlier one that has a key in common with it. One that moved a row to another key has two.
* A turn is a run of changes of one key, to be sent one after the other. Whoever has locked its first has it all: no
  other change of that key can be a first one until this is gone.

It holds without looking at more than a window of the oldest changes, because those of one row are numbered as they
are committed: the row itself is locked from the change until the commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

RUN = 10
"""Changes of one turn at most, so that one busy row does not take the whole of a round."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that was not sent: its number, its key, and the key that its row had before, if that was another."""

    number: int
    key: str
    was: str | None = None


def turns(window: Iterable[Waiting], *, resting: Collection[int] = ()) -> list[list[int]]:
    """The numbers that may be sent, a list for each turn, by age.

    Args:
        window: The oldest changes, by age.
        resting: Those that are to wait for their next attempt, and hold up what comes after them.
    """
    found: list[list[int]] = []
    runs: dict[str, list[int] | None] = {}
    for one in window:
        keys = {one.key} if one.was is None else {one.key, one.was}
        free = not keys & runs.keys()
        run = runs.get(one.key)
        if free and one.number not in resting:
            found.append([one.number])
            # What moved a row goes alone: a run of one of its keys would leave the other's order to chance.
            runs |= dict.fromkeys(keys, found[-1] if one.was is None else None)
        elif run is not None and one.was is None and len(run) < RUN:
            run.append(one.number)
        else:
            runs |= dict.fromkeys(keys)
    return found
