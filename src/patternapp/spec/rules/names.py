"""Names: unique where they name something, and not taken by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.spec import constraints, v1alpha1, walk
from patternapp.spec.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.base import Model
    from patternapp.spec.v1alpha1 import PatternApp


def unique_names(app: PatternApp) -> Iterator[Flaw]:
    """No two entries of a list have one name."""
    for path, model in walk.objects(app):
        for alias, entries in _lists(model):
            seen: dict[str, int] = {}
            for index, entry in enumerate(entries):
                name = getattr(entry, "name", None)
                if name is not None and seen.setdefault(name, index) != index:
                    message = f"{name!r} is already the name of another of the {alias}; give it another"
                    yield Flaw((*path, alias, index, "name"), "DuplicateName", message)


def unique_values(app: PatternApp) -> Iterator[Flaw]:
    """Lists that are sets, such as methods and topics, hold nothing twice."""
    for path, model in walk.objects(app):
        for alias, entries in _lists(model):
            if alias not in constraints.SETS:
                continue
            for index, entry in enumerate(entries):
                if entry in entries[:index]:
                    yield Flaw((*path, alias, index), "DuplicateValue", f"{entry!r} is here twice; remove one")


def reserved_variables(app: PatternApp) -> Iterator[Flaw]:
    """No environment variable is one that Knative sets."""
    for path, variable in walk.of_type(app, v1alpha1.EnvVar):
        if variable.name in constraints.RESERVED_VARIABLES:
            message = f"{variable.name} is set by Knative; choose another name"
            yield Flaw((*path, "name"), "ReservedName", message)


def _lists(model: Model) -> Iterator[tuple[str, tuple[object, ...]]]:
    for name, field in type(model).model_fields.items():
        entries = getattr(model, name)
        if isinstance(entries, tuple):
            yield field.alias or name, entries
