"""Every object of an app with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from patternapp.spec.base import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.flaws import Path

M = TypeVar("M", bound=Model)


def objects(model: Model, path: Path = ()) -> Iterator[tuple[Path, Model]]:
    """`model` itself, then everything inside it, in the order of the fields; filled-in defaults too."""
    found: list[tuple[Path, Model]] = []
    _collect(found, model, path)
    return iter(found)


def of_type(model: Model, kind: type[M]) -> Iterator[tuple[Path, M]]:
    """The objects of one kind."""
    return ((path, found) for path, found in objects(model) if isinstance(found, kind))


def value(model: Model, alias: str) -> Any:
    """The value of a field by the name that a user writes; None where the kind has no such field."""
    fields = type(model).model_fields.items()
    return next((getattr(model, name) for name, field in fields if (field.alias or name) == alias), None)


def _collect(found: list[tuple[Path, Model]], model: Model, path: Path) -> None:
    """Append a model and what is inside. Every rule walks every object, so most fields cost one look at their value."""
    found.append((path, model))
    for name, value in vars(model).items():
        if value is None:
            continue
        if isinstance(value, Model):
            _collect(found, value, (*path, _alias(model, name)))
        elif isinstance(value, tuple) and value and isinstance(value[0], Model):
            here = (*path, _alias(model, name))
            for index, item in enumerate(value):
                _collect(found, item, (*here, index))


def _alias(model: Model, name: str) -> str:
    return type(model).model_fields[name].alias or name
