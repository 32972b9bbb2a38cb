"""The reference page: a table for every object, in the order in which a reader meets them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from patternapp.spec import cel, constraints, formats, schema, v1alpha1

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

_HEAD = f"""# Reference of `{v1alpha1.GROUP}/{v1alpha1.VERSION}` `{v1alpha1.KIND}`

Made from the models in `src/patternapp/spec`; `make schema` writes it again. Fields in **bold** are required. Unknown
fields are errors. Durations are written as in Go: `500ms`, `30s`, `5m`, `1h30m`.
"""
_LEFT_OUT = """## What the API server leaves to the operator

The API server refuses a wrong app itself when it is applied, in the words of `patternapp validate`. What it cannot
check it takes, and the operator says what is wrong in the app's status, with `Ready` false.

| Not checked by the API server | Why |
|---|---|"""
_LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
    ("maxLength", "at most {} characters"),
    ("maxProperties", "at most {} entries"),
)


def text() -> str:
    """The page as the file that is committed, in Markdown."""
    source = schema.document()
    objects: dict[str, Schema] = {v1alpha1.KIND: source, **source["$defs"]}
    sections = (_section(name, objects[name]) for name in _order(v1alpha1.KIND, objects, []))
    return "\n".join((_HEAD, *sections, _left_out()))


def _left_out() -> str:
    """What a user learns from `patternapp validate` and from the operator alone."""
    rows = (f"| {what} | {why} |" for what, why in cel.LEFT_OUT)
    return "\n".join((_LEFT_OUT, *rows, ""))


def _order(name: str, objects: dict[str, Schema], met: list[str]) -> list[str]:
    if name not in met:
        met.append(name)
        for reference in _references(objects[name]["properties"]):
            _order(reference, objects, met)
    return met


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _section(name: str, node: Schema) -> str:
    choice = next((choice for model, choice in constraints.CHOICES.items() if model.__name__ == name), None)
    lines = [f"## {name}", "", node["description"], ""]
    if choice is not None:
        lines += [f"Of {', '.join(f'`{field}`' for field in choice.fields)}, {_amount(choice)} is written.", ""]
    lines += ["| Field | Type | Default | Meaning |", "|---|---|---|---|"]
    required = node.get("required", ())
    for field, inner in node["properties"].items():
        title = f"**`{field}`**" if field in required else f"`{field}`"
        lines.append(f"| {title} | {_kind(inner)} | {_default(inner)} | {_meaning(name, field, inner)} |")
    return "\n".join((*lines, ""))


def _amount(choice: constraints.Choice) -> str:
    return "exactly one" if choice.required else "at most one"


def _kind(node: Schema) -> str:
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "oneOf" in node:
        return " or ".join(_kind(inner) for inner in node["oneOf"])
    words = [node["const"]] if "const" in node else node.get("enum")
    if words is not None:
        return " or ".join(f"`{word}`" for word in words)
    return f"list of {_kind(node['items'])}" if node["type"] == "array" else _simple(node)


def _simple(node: Schema) -> str:
    values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    if node["type"] == "object":
        return f"map of {_kind(values[0])}" if isinstance(values[0], dict) else "any object"
    return {"string": "text", "integer": "whole number", "boolean": "boolean"}[node["type"]]


def _default(node: Schema) -> str:
    return f"`{json.dumps(node['default'])}`" if "default" in node else ""


def _meaning(name: str, field: str, node: Schema) -> str:
    sentences = [node["description"].rstrip(".")]
    pattern = node.get("pattern", node.get("items", {}).get("pattern"))
    if pattern is not None:
        sentences.append(f"Write {formats.FORMATS[pattern]}")
    sentences += [words.format(node[key]).capitalize() for key, words in _LIMITS if key in node]
    limits = next(
        (row for (kind, at), row in constraints.DURATIONS.items() if (kind.__name__, at) == (name, field)), None
    )
    if limits is not None:
        sentences.append(f"From {limits[0]} ms to {limits[1] // 1000} s")
    return ". ".join(sentences).replace("|", "\\|") + "."
