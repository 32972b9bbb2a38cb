"""A plan as plain JSON data: for `/api/graph`, for `patternapp graph -o json` and for the golden files.

Field names are the model's in camelCase, each node and edge carries its `kind` and `key`, and fields without a value
are left out. The words inside filters and event data are the user's and stay as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pydantic
from pydantic import alias_generators

from patternapp.delivery import DeliverySpec

if TYPE_CHECKING:
    from patternapp.plan.model import Edge, Node, Plan


def describe(plan: Plan) -> dict[str, Any]:
    """``{"app", "nodes", "edges"}``; equal plans give equal data."""
    return {
        "app": plan.app,
        "nodes": [_described(node) for node in plan.nodes],
        "edges": [_described(edge) for edge in plan.edges],
    }


def _described(item: Node | Edge) -> dict[str, Any]:
    head = {"kind": type(item).__name__, "key": item.key}
    return head | _fields(item)


def _fields(item: Node | Edge | DeliverySpec) -> dict[str, Any]:
    values = ((field.name, getattr(item, field.name)) for field in dataclasses.fields(item))
    return {_camel(name): _plain(value) for name, value in values if value not in (None, ())}


def _camel(name: str) -> str:
    return alias_generators.to_camel(name.rstrip("_"))


def _plain(value: object) -> Any:
    match value:
        case DeliverySpec():
            return _fields(value)
        case pydantic.BaseModel():
            return value.model_dump(mode="json", by_alias=True, exclude_none=True)
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value
