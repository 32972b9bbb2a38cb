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
    yield path, model
    for name, field in type(model).model_fields.items():
        yield from _inside(getattr(model, name), (*path, field.alias or name))


def of_type(model: Model, kind: type[M]) -> Iterator[tuple[Path, M]]:
    """The objects of one kind."""
    return ((path, found) for path, found in objects(model) if isinstance(found, kind))


def value(model: Model, alias: str) -> Any:
    """The value of a field by the name that a user writes; None where the kind has no such field."""
    fields = type(model).model_fields.items()
    return next((getattr(model, name) for name, field in fields if (field.alias or name) == alias), None)


def _inside(found: object, path: Path) -> Iterator[tuple[Path, Model]]:
    if isinstance(found, Model):
        yield from objects(found, path)
    elif isinstance(found, tuple):
        for index, item in enumerate(found):
            yield from _inside(item, (*path, index))
