from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from patternapp.spec import schema
from patternapp_operator import references

if TYPE_CHECKING:
    from collections.abc import Iterator

TELLING = re.compile(r"secret|configmap|service_?account|credential|token", re.IGNORECASE)
NAMING = re.compile(r"^(A|The|An) (Secret|ConfigMap|ServiceAccount|service account)\b")
"""A field that names an object says so in its name or in the first words of its description."""


DOCUMENT = schema.document()


def fields(node: dict[str, Any], path: str, seen: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every field that holds text, with its description, by a way of its own through the schema."""
    for branch in (*node.get("oneOf", ()), *([node["items"]] if "items" in node else [])):
        yield from fields(branch, path, seen)
    name = node.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        yield from fields(DOCUMENT["$defs"][name], path, (*seen, name))
    for field, inner in node.get("properties", {}).items():
        inside = f"{path}.{field}" + ("[]" if "items" in inner else "")
        if inner.get("type") == "string":
            yield inside, inner.get("description", "")
        yield from fields(inner, inside, seen)


def test_no_field_that_names_a_secret_or_the_like_is_forgotten() -> None:
    known = {reference.path for reference in references.references()}

    telling = {
        path
        for path, description in fields(DOCUMENT["properties"]["spec"], "spec")
        if (TELLING.search(path.rpartition(".")[2]) or NAMING.search(description)) and not path.endswith("Ref.key")
    }

    assert telling == known


def test_an_app_names_no_service_account_so_nobody_is_asked_about_one() -> None:
    assert {reference.resource for reference in references.references()} == {"secrets", "configmaps"}
