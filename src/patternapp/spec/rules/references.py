"""References to functions: each names one, and no function gets back the events that it failed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.spec import v1alpha1, walk
from patternapp.spec.flaws import Flaw, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.v1alpha1 import PatternApp

UNKNOWN = "UnknownFunction"
_ENTRIES = (v1alpha1.EventDriven, v1alpha1.Subscriber, v1alpha1.Queue, v1alpha1.Stream, v1alpha1.Schedule)
"""What delivers events to a function."""


def known_functions(app: PatternApp) -> Iterator[Flaw]:
    """Every `function` is the name of a function."""
    known = [function.name for function in app.spec.functions]
    for path, model in walk.objects(app):
        name = walk.value(model, "function")
        if name is not None and name not in known:
            message = f"no function is named {name!r}; {nearest(name, known)}"
            yield Flaw((*path, "function"), UNKNOWN, message)


def dead_letter_loops(app: PatternApp) -> Iterator[Flaw]:
    """No entry's dead letters go to the function that failed on them."""
    default = app.spec.delivery.dead_letter
    for path, entry in walk.objects(app):
        if not isinstance(entry, _ENTRIES) or entry.function is None:
            continue
        own = entry.delivery.dead_letter if entry.delivery is not None else None
        if own is not None and own.function == entry.function:
            message = f"{entry.function!r} would get the events that it failed on; name another function or a uri"
            yield Flaw((*path, "delivery", "deadLetter", "function"), "DeadLetterLoop", message)
        elif own is None and default is not None and default.function == entry.function:
            message = (
                f"{entry.function!r} would get the events that it failed on, as spec.delivery.deadLetter names it; "
                "give this entry a delivery.deadLetter of its own"
            )
            yield Flaw((*path, "function"), "DeadLetterLoop", message)
