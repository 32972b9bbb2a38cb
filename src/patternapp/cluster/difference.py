"""What differs between two states of an object, field by field.

What holds here:

* What the server keeps for itself never counts: its bookkeeping in the metadata, the status, and what is empty.
* Items of a list are told apart by the field that names them, so that one more item is one difference.
* Text that holds JSON is compared as the data it holds: a ConfigMap's file is a field like any other.
"""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from patternapp.cluster.resources import Object

BOOKKEEPING = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "finalizers"}
)
"""Fields of the metadata that only the server and controllers write."""
STAMPS = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "eventing.knative.dev/creator",
        "eventing.knative.dev/lastModifier",
        "serving.knative.dev/creator",
        "serving.knative.dev/lastModifier",
    }
)
"""Annotations that say who wrote last; a dry run puts the asking user there."""
IDENTITIES = ("name", "uid", "secretName", "containerPort", "port")
"""Fields that tell the items of a list apart: the first that every item has and no two share."""
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")


class Absent(enum.Enum):
    """No value, which is another thing than null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class Verb(enum.StrEnum):
    """What becomes of a field."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; `ABSENT` where there is no value."""

    path: str
    old: Any
    new: Any

    @property
    def verb(self) -> Verb:
        if self.old is ABSENT:
            return Verb.ADDED
        return Verb.REMOVED if self.new is ABSENT else Verb.CHANGED


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """The fields of an object that differ, in the order of the new one and then of the old one."""
    return tuple(_compare("", essence(old), essence(new)))


def essence(item: Mapping[str, Any]) -> Object:
    """An object without the server's bookkeeping."""
    metadata = {name: value for name, value in item.get("metadata", {}).items() if name not in BOOKKEEPING}
    annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name not in STAMPS}
    metadata["annotations"] = annotations
    return {name: value for name, value in item.items() if name not in {"status", "metadata"}} | {"metadata": metadata}


def _compare(path: str, old: Any, new: Any) -> Iterator[Change]:
    if old == new or (_empty(old) and _empty(new)):
        return
    match (_data(old), _data(new)):
        case (dict() as before, dict() as after):
            yield from _fields(_inside(path, old), before, after)
        case (list() as before, list() as after) if identity := _identity(before, after):
            yield from _items(path, _named(before, identity), _named(after, identity))
        case (list() as before, list() as after) if len(before) == len(after):
            for number, pair in enumerate(zip(before, after, strict=True)):
                yield from _compare(f"{path}[{number}]", *pair)
        case _:
            yield Change(path, old, new)


def _fields(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys((*new, *old)):
        yield from _compare(_below(path, name), old.get(name, ABSENT), new.get(name, ABSENT))


def _items(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys((*new, *old)):
        yield from _compare(f"{path}[{name}]", old.get(name, ABSENT), new.get(name, ABSENT))


def _below(path: str, name: str) -> str:
    if not _PLAIN.fullmatch(name):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path and not path.endswith(":") else f"{path}{name}"


def _inside(path: str, value: Any) -> str:
    """The path of what a text holds."""
    return f"{path}:" if isinstance(value, str) else path


def _data(value: Any) -> Any:
    """The value, or the JSON object that a text holds."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _identity(old: Sequence[Any], new: Sequence[Any]) -> str | None:
    """The field that names the items of both lists."""
    return next((field for field in IDENTITIES if _tells_apart(field, old) and _tells_apart(field, new)), None)


def _tells_apart(field: str, items: Sequence[Any]) -> bool:
    if not all(isinstance(item, dict) and field in item for item in items):
        return False
    return len({str(item[field]) for item in items}) == len(items)


def _named(items: Sequence[Any], field: str) -> dict[str, Any]:
    return {str(item[field]): item for item in items}


def _empty(value: Any) -> bool:
    return value is ABSENT or value in ({}, [], None)
