"""The CustomResourceDefinition of a PatternApp, made from the same models as everything else.

What holds here:

* The schema is structural: every ``$ref`` is written out, filters to the depth that the rules allow, and nothing
  unknown is kept but the data of a schedule. Every list, map and text has a limit, so the cost of CEL is bounded.
* It is smaller than the annotation in which ``kubectl apply`` keeps what was applied last (256 KiB).
"""

from __future__ import annotations

from typing import Any

import yaml

from patternapp.spec import cel, constraints, schema, v1alpha1
from patternapp.spec.status import Status

_WIDTH = 1_000
"""Columns of a line: what stands on one line stays there, for the sake of the size."""
PLURAL = "patternapps"
NAME = f"{PLURAL}.{v1alpha1.GROUP}"
Schema = dict[str, Any]

_KEPT = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
)
"""Keywords that mean the same in a structural schema."""
_COLUMNS = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 0),
    ("URL", "string", ".status.url", 0),
    ("Objects", "integer", ".status.objects.desired", 1),
    ("Age", "date", ".metadata.creationTimestamp", 0),
)
"""Name, type, place and priority; priority 1 shows with ``-o wide``."""


def document() -> Schema:
    """The CustomResourceDefinition."""
    names = {
        "kind": v1alpha1.KIND,
        "listKind": f"{v1alpha1.KIND}List",
        "plural": PLURAL,
        "singular": v1alpha1.KIND.lower(),
        "shortNames": ["papp"],
        "categories": ["all"],
    }
    version = {
        "name": v1alpha1.VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(*column) for column in _COLUMNS],
        "schema": {"openAPIV3Schema": _root()},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {"group": v1alpha1.GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def text() -> str:
    """The CustomResourceDefinition as the file that is committed."""
    return yaml.dump(
        document(), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=_WIDTH, allow_unicode=True
    )


class _Inline(dict[str, Any]):
    """An object that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes no anchors, as `spec.yaml` reads none."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True

    def represent_inline(self, data: _Inline) -> yaml.MappingNode:
        return self.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)


_Dumper.add_representer(_Inline, _Dumper.represent_inline)


def _column(name: str, kind: str, place: str, priority: int) -> Schema:
    column: Schema = {"name": name, "type": kind, "jsonPath": place}
    return {**column, "priority": priority} if priority else column


def _root() -> Schema:
    source = schema.document()
    metadata = source["$defs"]["Metadata"]["properties"]["name"]
    return {
        "type": "object",
        "description": source["description"],
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "properties": {"name": {key: metadata[key] for key in ("type", "maxLength", "pattern")}},
            },
            "spec": _Writer(source["$defs"]).written(source["properties"]["spec"]),
            "status": _status(),
        },
    }


def _status() -> Schema:
    source = schema.tidied(Status.model_json_schema(by_alias=True))
    status = _Writer(source["$defs"]).written(source)
    conditions = status["properties"]["conditions"]
    conditions["x-kubernetes-list-map-keys"] = ["type"]
    conditions["x-kubernetes-list-type"] = "map"
    conditions["items"]["properties"]["lastTransitionTime"]["format"] = "date-time"
    # Objects of several kinds share a name.
    status["properties"]["inventory"]["x-kubernetes-list-map-keys"] = ["apiVersion", "kind", "name"]
    return status


class _Writer:
    """Writes JSON Schema as a structural schema."""

    def __init__(self, objects: dict[str, Schema]) -> None:
        self._objects = objects
        self._rules = cel.rules()
        self._field_rules = cel.field_rules()

    def written(self, node: Schema, level: int = 0) -> Schema:
        """The structural schema of a node; `level` counts the filters around it."""
        name = node.get("$ref", "").rpartition("/")[2]
        if name == "Filter":
            return self._filter(level + 1)
        if name:
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return self._object(name, {**self._objects[name], **rest})
        if "oneOf" in node and "properties" not in node:
            return self._text_or_object(node)
        return self._plain(node, level)

    def _object(self, name: str, node: Schema) -> Schema:
        result = self._plain({key: value for key, value in node.items() if key not in {"oneOf", "not"}}, 0)
        if name in self._rules:
            result["x-kubernetes-validations"] = self._rules[name]
        for field, inner in result.get("properties", {}).items():
            if (name, field) in self._field_rules:
                inner["x-kubernetes-validations"] = self._field_rules[name, field]
                # The URL of an address is read by its rules.
                inner.pop("format", None)
        return result

    def _plain(self, node: Schema, level: int) -> Schema:
        result = {key: node[key] for key in _KEPT if key in node}
        if "const" in node:
            result["enum"] = [node["const"]]
        if "default" in node:
            result["default"] = node["default"]
        if "items" in node:
            result["items"] = self.written(node["items"], level)
            result.update(self._list_type(node, result["items"]))
        if node.get("additionalProperties") is True:
            result["x-kubernetes-preserve-unknown-fields"] = True
        for values in node.get("patternProperties", {}).values():
            result["additionalProperties"] = self._plain(values, level)
        if "properties" in node:
            result["required"] = node.get("required", [])
            result["properties"] = {name: self.written(inner, level) for name, inner in node["properties"].items()}
            if not result["required"]:
                del result["required"]
        return result

    def _filter(self, level: int) -> Schema:
        """A filter at this level; its dialects are described at the first only, which keeps the definition small."""
        node = self._objects["Filter"]
        properties = {
            name: self.written(inner, level)
            for name, inner in node["properties"].items()
            if level < constraints.FILTER_DEPTH or name not in {"all", "any", "not"}
        }
        result = {"type": "object", "minProperties": 1, "maxProperties": 1, "properties": properties}
        if level == 1:
            return {"description": node["description"], **result}
        for inner in properties.values():
            inner.pop("description", None)
        return _Inline(result)

    def _text_or_object(self, node: Schema) -> Schema:
        """A word or an object: nothing but the word, or one of the object's fields.

        A structural schema has no such union. So the field keeps what it does not know, and value validations bound it.
        CEL has no type for it either, so there are no rules inside.
        """
        wanted, word = node["oneOf"]
        inner = _without_rules(self.written(wanted))
        return {
            "description": node["description"],
            "x-kubernetes-preserve-unknown-fields": True,
            "pattern": f"^{word['const']}$",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": inner["properties"],
            "anyOf": [{"enum": [word["const"]]}, *({"required": [name]} for name in inner["properties"])],
        }

    @staticmethod
    def _list_type(node: Schema, items: Schema) -> Schema:
        if "name" in items.get("required", ()):
            return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
        return {"x-kubernetes-list-type": "set" if node.get("uniqueItems") else "atomic"}


def _without_rules(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_rules(value) for key, value in node.items() if key != "x-kubernetes-validations"}
    return node
