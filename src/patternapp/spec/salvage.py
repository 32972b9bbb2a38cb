"""The sound part of a broken document, so that the rules across fields can run on it too.

What holds here:

* A broken field is cut out of its object; an object of a list that cannot do without it goes as a whole, and the others
  of the list stay.
* What is cut has a flaw already; the caller drops what the rules say of it. `Salvaged.path` tells places in the rest as
  places in the document.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp.spec import structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from patternapp.spec.flaws import Flaw, Path
    from patternapp.spec.v1alpha1 import PatternApp

ROUNDS = 8
"""Cutting out a field can leave its object without something it needs; then the object goes, and so on up."""
_GONE = object()
"""Stands in a list for an entry that was cut out, so that those behind it keep their places."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What could be saved of a document.

    Attributes:
        app: The app that the rest describes.
        cuts: The places in the document that were cut out.
        kept: Of each list, by its place in the rest, the places that its entries have in the document.
    """

    app: PatternApp
    cuts: tuple[Path, ...]
    kept: Mapping[Path, tuple[int, ...]]

    def path(self, place: Path) -> Path:
        """A place in the rest as a place in the document."""
        return _original(place, self.kept)


def salvage(data: object, flaws: Iterable[Flaw]) -> Salvaged | None:
    """An app without what is broken; None where what is broken cannot be spared."""
    document = copy.deepcopy(data)
    cuts: list[Path] = []
    kept: dict[Path, tuple[int, ...]] = {}
    for _ in range(ROUNDS):
        for flaw in flaws:
            place = _original(flaw.path[:-1] if flaw.reason == structure.MISSING else flaw.path, kept)
            cut = _spared(document, place)
            if not cut:
                return None
            cuts.append(cut)
        kept = {}
        app, flaws = structure.parse(_rest(document, (), kept))
        if app is not None:
            return Salvaged(app, tuple(cuts), kept)
    return None


def _spared(document: Any, place: Path) -> Path:
    """Cut out the innermost thing around a place that can go: a field, or an object of a list. The empty path: none."""
    parents = [document]
    for step in place[:-1]:
        if parents[-1] is _GONE or (isinstance(parents[-1], dict) and step not in parents[-1]):
            return place
        parents.append(parents[-1][step])
    while parents and place:
        parent, step = parents.pop(), place[-1]
        if isinstance(parent, dict):
            parent.pop(step, None)
            return place
        if isinstance(parent, list) and any(isinstance(entry, dict) for entry in parent):
            parent[int(step)] = _GONE
            return place
        place = place[:-1]
    return ()


def _rest(value: Any, place: Path, kept: dict[Path, tuple[int, ...]]) -> Any:
    """A copy without what is gone; `place` is its place in the copy."""
    if isinstance(value, dict):
        return {key: _rest(inner, (*place, key), kept) for key, inner in value.items()}
    if not isinstance(value, list):
        return value
    kept[place] = tuple(index for index, entry in enumerate(value) if entry is not _GONE)
    return [_rest(value[index], (*place, new), kept) for new, index in enumerate(kept[place])]


def _original(place: Path, kept: Mapping[Path, tuple[int, ...]]) -> Path:
    found: list[str | int] = []
    for depth, step in enumerate(place):
        known = kept.get(place[:depth])
        found.append(known[step] if known is not None and isinstance(step, int) and step < len(known) else step)
    return tuple(found)
