from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patternapp.spec import constraints, schema, v1alpha1, walk

if TYPE_CHECKING:
    from collections.abc import Iterator


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from nodes(item)


def test_the_schema_names_its_dialect_and_itself() -> None:
    document = schema.document()

    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == "https://patternapp.dev/schemas/patternapp.v1alpha1.json"
    assert document["title"] == "PatternApp"


def test_no_object_takes_unknown_fields() -> None:
    objects = [node for node in nodes(schema.document()) if isinstance(node.get("properties"), dict) and "type" in node]

    assert all(node["additionalProperties"] is False for node in objects)


def test_every_object_and_field_is_described() -> None:
    document = schema.document()

    for node in (document, *document["$defs"].values()):
        assert node["description"]
        assert all(inner.get("description") for inner in node["properties"].values())


def test_every_choice_is_expressed() -> None:
    document = schema.document()

    for model, choice in constraints.CHOICES.items():
        node = document["$defs"][model.__name__]
        fields = [{"required": [name]} for name in choice.fields]
        assert node["oneOf"] == fields if choice.required else node["not"] == {"required": list(choice.fields)}


def test_choices_name_fields_that_exist() -> None:
    objects = schema.document()["$defs"]

    assert all(
        set(choice.fields) <= objects[model.__name__]["properties"].keys()
        for model, choice in constraints.CHOICES.items()
    )


def test_nothing_may_be_null() -> None:
    assert {"type": "null"} not in list(nodes(schema.document()))


def test_defaults_are_those_of_the_models() -> None:
    scale = schema.document()["$defs"]["Scale"]["properties"]

    defaults = {name: node["default"] for name, node in scale.items()}

    assert defaults == {name: walk.value(v1alpha1.Scale(), name) for name in scale}


def test_equal_models_give_equal_bytes() -> None:
    assert schema.text() == schema.text()
