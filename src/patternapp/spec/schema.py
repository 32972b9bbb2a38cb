"""The JSON Schema of a PatternApp, for editors and for whoever checks files without us.

What holds here: it accepts every file that is valid and refuses all that one schema can tell; the rules between places
(`patternapp.spec.rules`) are beyond it. An optional field may be left out but not be null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from patternapp.spec import constraints, v1alpha1

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = f"https://{v1alpha1.GROUP}/schemas/{v1alpha1.KIND.lower()}.{v1alpha1.VERSION}.json"

Schema = dict[str, Any]


def document() -> Schema:
    """The schema: the root object, and all others under ``$defs`` by the names of their models."""
    root = tidied(v1alpha1.PatternApp.model_json_schema(by_alias=True))
    objects: dict[str, Schema] = {v1alpha1.KIND: root, **root["$defs"]}
    for model, choice in constraints.CHOICES.items():
        objects[model.__name__].update(_chosen(choice))
    for model, field in constraints.ADDRESSES.items():
        objects[model.__name__]["properties"][field]["format"] = "uri"
    for schema in objects.values():
        for name in constraints.SETS & schema["properties"].keys():
            schema["properties"][name]["uniqueItems"] = True
    variable = objects[v1alpha1.EnvVar.__name__]["properties"]["name"]
    variable["not"] = {"enum": sorted(constraints.RESERVED_VARIABLES)}
    return {"$schema": DIALECT, "$id": ID, **root}


def text() -> str:
    """The schema as the file that is committed."""
    return json.dumps(document(), indent=2) + "\n"


def _chosen(choice: constraints.Choice) -> Schema:
    if choice.required:
        return {"oneOf": [{"required": [name]} for name in choice.fields]}
    return {"not": {"required": list(choice.fields)}}


def tidied(node: Any) -> Any:
    """Without null for what may be left out, titles that repeat names, and open maps."""
    if isinstance(node, list):
        return [tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "anyOf" in node and {"type": "null"} in node["anyOf"]:
        (real,) = (choice for choice in node["anyOf"] if choice != {"type": "null"})
        rest = {key: value for key, value in node.items() if key not in {"anyOf", "default"}}
        return tidied({**rest, **real})
    result = {
        key: _entry(key, value) for key, value in node.items() if not (key == "title" and "properties" not in node)
    }
    if "patternProperties" in result:
        result["additionalProperties"] = False
    if result.get("default") in ({}, []):
        del result["default"]
    return result


def _entry(key: str, value: Any) -> Any:
    if key == "default":
        return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else value
    if key in {"properties", "$defs"} and isinstance(value, Mapping):
        return {name: tidied(item) for name, item in value.items()}
    return tidied(value)
