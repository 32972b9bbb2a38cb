"""Rules inside one object, applied from the tables of `patternapp.spec.constraints`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import durations
from patternapp.spec import constraints, walk
from patternapp.spec.filters import Filter
from patternapp.spec.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.flaws import Path
    from patternapp.spec.v1alpha1 import PatternApp

_UNITS = ((3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))


def choices(app: PatternApp) -> Iterator[Flaw]:
    """At most one, or exactly one, of the fields that exclude each other is written."""
    for path, model in walk.objects(app):
        choice = constraints.CHOICES.get(type(model))
        if choice is None:
            continue
        written = [name for name in choice.fields if walk.value(model, name) is not None]
        if len(written) > 1:
            yield Flaw(path, "Exclusive", f"{' and '.join(written)} exclude each other; write {choice.sentence}")
        elif choice.required and not written:
            yield Flaw(path, "MissingChoice", f"write {choice.sentence}")


def needs(app: PatternApp) -> Iterator[Flaw]:
    """What means nothing alone is not written alone."""
    for path, model in walk.objects(app):
        fields, needed = constraints.NEEDS.get(type(model), ((), ""))
        for name in fields:
            if walk.value(model, name) is not None and walk.value(model, needed) is None:
                yield Flaw((*path, name), "Incomplete", f"{name} needs {needed}; add it, or remove {name}")


def min_and_max(app: PatternApp) -> Iterator[Flaw]:
    """`min` is not above `max`."""
    for path, model in walk.objects(app):
        if type(model) not in constraints.MIN_MAX:
            continue
        low, high = walk.value(model, "min"), walk.value(model, "max")
        if low > high:
            yield Flaw(path, "OutOfRange", f"min {low} is above max {high}; lower the one or raise the other")


def duration_limits(app: PatternApp) -> Iterator[Flaw]:
    """Every duration is within its limits."""
    for path, model in walk.objects(app):
        for (kind, name), (least, most) in constraints.DURATIONS.items():
            written = walk.value(model, name) if isinstance(model, kind) else None
            if written is not None and not least <= durations.milliseconds(written) <= most:
                message = f"{written} is out of range; write {short(least)} to {short(most)}"
                yield Flaw((*path, name), "OutOfRange", message)


def filter_depth(app: PatternApp) -> Iterator[Flaw]:
    """Filters are nested no deeper than the CRD spells out."""
    for path, _ in walk.of_type(app, Filter):
        if _depth(path) == constraints.FILTER_DEPTH + 1:
            message = f"filters are nested more than {constraints.FILTER_DEPTH} levels deep; flatten them"
            yield Flaw(path, "FilterTooDeep", message)


def _depth(path: Path) -> int:
    """The level of the filter at `path`: one for each dialect on the way, the outermost being 1."""
    start = max(index for index, step in enumerate(path) if step == "filters")
    return 1 + sum(step in {"all", "any", "not"} for step in path[start:])


def short(milliseconds: int) -> str:
    """A duration in its largest unit, such as ``10m``."""
    size, unit = next(((size, unit) for size, unit in _UNITS if milliseconds % size == 0 and milliseconds), (1, "ms"))
    return f"{milliseconds // size}{unit}"
