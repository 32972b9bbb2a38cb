"""Where a PatternApp names a Secret or a ConfigMap that is not its own, read off the models' schema.

What holds here: a field that is added to the models is found by its name, `FIELDS`, or by being listed in `NAMED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp.spec import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECRETS, CONFIG_MAPS = "secrets", "configmaps"
FIELDS: Mapping[str, tuple[str, str | None]] = {
    "secretName": (SECRETS, None),
    "secretKeyRef": (SECRETS, "name"),
    "configMapKeyRef": (CONFIG_MAPS, "name"),
}
"""Fields that name an object of a resource, wherever they stand: themselves, or by a field inside."""
NAMED: Mapping[str, str] = {"spec.broker.config": CONFIG_MAPS}
"""Fields with a name that does not tell."""


@dataclass(frozen=True, slots=True)
class Step:
    """A field on the way: whether it is a list of named entries, and whether it may be a word instead of an object."""

    field: str
    many: bool = False
    union: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that holds a name."""

    resource: str
    steps: tuple[Step, ...]

    @property
    def path(self) -> str:
        """The field as a user would write it, from ``spec``."""
        return ".".join(["spec", *(f"{step.field}[]" if step.many else step.field for step in self.steps)])


def references() -> tuple[Reference, ...]:
    """All of them, in the order of the resource."""
    document = schema.document()
    return tuple(_inside(document["$defs"], document["$defs"]["Spec"], ()))


def _inside(objects: Mapping[str, Any], node: Mapping[str, Any], way: tuple[Step, ...]) -> Iterator[Reference]:
    for field, value in node.get("properties", {}).items():
        inner, step = _opened(objects, field, value)
        here = (*way, step)
        resource, within = FIELDS.get(field, (NAMED.get(Reference("", here).path), None))
        if resource is not None:
            yield Reference(resource, (*here, Step(within)) if within else here)
        elif inner.get("title") != "Filter":
            # Filters nest without end and hold nothing but conditions on events.
            yield from _inside(objects, inner, here)


def _opened(objects: Mapping[str, Any], field: str, value: Mapping[str, Any]) -> tuple[Mapping[str, Any], Step]:
    """What a field holds, or, where it is a list, what its entries are."""
    many = "items" in value
    inner = value["items"] if many else value
    union = "oneOf" in inner and "properties" not in inner
    if union:
        inner = next(choice for choice in inner["oneOf"] if "$ref" in choice)
    name = inner.get("$ref", "").rpartition("/")[2]
    return objects.get(name, inner), Step(field, many, union)
