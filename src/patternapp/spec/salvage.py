"""The sound part of a broken document, so that the rules across fields can run on it too.

What holds here: only fields of objects are cut out, never entries of lists, so every place keeps its path; instead of
an entry, the field goes that has the list. What is cut has a flaw already; the caller drops what the rules say of it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from patternapp.spec import structure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patternapp.spec.flaws import Flaw, Path
    from patternapp.spec.v1alpha1 import PatternApp

ROUNDS = 6
"""Cutting out a field can leave its object without something it needs; then the object goes, and so on up."""


def salvage(data: object, flaws: Iterable[Flaw]) -> tuple[PatternApp | None, tuple[Path, ...]]:
    """An app without what is broken, and what was cut; no app where what is broken cannot be spared."""
    rest = copy.deepcopy(data)
    cuts: list[Path] = []
    for _ in range(ROUNDS):
        for flaw in flaws:
            cut = _field(flaw.path[:-1] if flaw.reason == structure.MISSING else flaw.path)
            if not _cut(rest, cut):
                return None, ()
            cuts.append(cut)
        app, flaws = structure.parse(rest)
        if app is not None:
            return app, tuple(cuts)
    return None, ()


def _field(path: Path) -> Path:
    """The innermost field of an object on the way to a place."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return path


def _cut(data: Any, path: Path) -> bool:
    """Remove a field; whether there is nothing at `path` any more."""
    here = data
    for step in path[:-1]:
        if isinstance(here, dict) and step not in here:
            return True
        here = here[step]
    if not path or not isinstance(here, dict):
        return False
    here.pop(path[-1], None)
    return True
