from __future__ import annotations

import json
from typing import Any

import pytest

from patternapp.spec import formats, schema, structure
from patternapp.spec.flaws import Path, dotted


def parsed(spec: dict[str, Any]) -> list[tuple[str, str, str]]:
    document = {
        "apiVersion": "patternapp.dev/v1alpha1",
        "kind": "PatternApp",
        "metadata": {"name": "shop"},
        "spec": {"functions": [{"name": "orders", "handler": "shop.orders:app"}], **spec},
    }
    _, flaws = structure.parse(document)
    return [(dotted(flaw.path), flaw.reason, flaw.message) for flaw in flaws]


def route(**fields: Any) -> dict[str, Any]:
    return {"gateway": {"routes": [{"name": "a", "path": "/a", "function": "orders", **fields}]}}


def filters(*conditions: Any) -> dict[str, Any]:
    return {"eventDriven": [{"name": "a", "function": "orders", "filters": list(conditions)}]}


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ({"imag": "a"}, ("spec.imag", "UnknownField", "unknown field; did you mean 'image'?")),
        (
            {"broker": {"x": 1}},
            ("spec.broker.x", "UnknownField", "unknown field; known here: class, config"),
        ),
        ({"image": 5}, ("spec.image", "WrongType", "a text is expected, not the number 5; put it in quotes")),
        ({"image": None}, None),
        ({"image": ""}, ("spec.image", "Empty", "the text is empty; write it, or remove the field")),
        ({"image": "x" * 2000}, ("spec.image", "TooLong", "too long; write 1024 characters at most")),
        (
            {"delivery": {"retry": "5"}},
            ("spec.delivery.retry", "WrongType", "a whole number is expected, not the text '5'; remove the quotes"),
        ),
        (
            {"delivery": {"retry": 1.5}},
            ("spec.delivery.retry", "WrongType", "a whole number is expected, not the number 1.5"),
        ),
        ({"delivery": {"retry": -1}}, ("spec.delivery.retry", "OutOfRange", "-1 is too little; write 0 or more")),
        ({"delivery": {"retry": 101}}, ("spec.delivery.retry", "OutOfRange", "101 is too much; write 100 or less")),
        (
            {"delivery": {"backoffPolicy": "fast"}},
            (
                "spec.delivery.backoffPolicy",
                "NotAllowed",
                "the text 'fast' is not allowed; write 'linear' or 'exponential'",
            ),
        ),
        (
            {"delivery": {"timeout": "soon"}},
            (
                "spec.delivery.timeout",
                "BadFormat",
                "this value does not have the right form; write a duration such as 500ms, 30s, 5m or 1h30m",
            ),
        ),
        (
            {"delivery": {"timeout": "30"}},
            ("spec.delivery.timeout", "BadFormat", "the unit is missing; write 30s, or 30ms, 30m or 30h"),
        ),
        (
            {"delivery": {"timeout": 10}},
            ("spec.delivery.timeout", "WrongType", "the unit is missing; write 10s, or 10ms, 10m or 10h"),
        ),
        (
            {"delivery": {"timeout": True}},
            (
                "spec.delivery.timeout",
                "WrongType",
                "a text is expected, not the boolean true; put it in quotes",
            ),
        ),
        ({"delivery": []}, ("spec.delivery", "WrongType", "an object is expected, not a list")),
        (
            {"queues": None},
            ("spec.queues", "WrongType", "a list is expected, and nothing is here; write it, or remove the field"),
        ),
        ({"queues": {}}, ("spec.queues", "WrongType", "a list is expected, not an object")),
        ({"functions": []}, ("spec.functions", "Empty", "too few entries; write 1 at least")),
        (
            {"env": [{"name": "A"}] * 65},
            ("spec.env", "TooMany", "too many entries; write 64 at most"),
        ),
        ({"env": [{}]}, ("spec.env[0].name", "MissingField", "'name' is missing; add it")),
        (
            {"gateway": {"cors": {"origins": ["*"], "credentials": "yes"}, **route()["gateway"]}},
            ("spec.gateway.cors.credentials", "WrongType", "true or false is expected, not the text 'yes'"),
        ),
        (
            route(auth="nobody"),
            ("spec.gateway.routes[0].auth", "NotAllowed", "the text 'nobody' is not allowed; write 'none'"),
        ),
        (route(auth=5), ("spec.gateway.routes[0].auth", "WrongType", "an object is expected, not the number 5")),
        (
            route(auth={"jwt": {"issuer": "https://a", "audience": "a"}}),
            ("spec.gateway.routes[0].auth.jwt.jwksUri", "MissingField", "'jwksUri' is missing; add it"),
        ),
        (
            filters({"exact": {"Type": "a"}}),
            (
                "spec.eventDriven[0].filters[0].exact.Type",
                "BadFormat",
                f"this key does not have the right form; write {formats.FORMATS[formats.ATTRIBUTE]}",
            ),
        ),
        (
            filters({"all": [{"any": [{"exac": {"type": "a"}}]}]}),
            (
                "spec.eventDriven[0].filters[0].all[0].any[0].exac",
                "UnknownField",
                "unknown field; did you mean 'exact'?",
            ),
        ),
        (filters({"any": []}), ("spec.eventDriven[0].filters[0].any", "Empty", "too few entries; write 1 at least")),
    ],
)
def test_an_error_is_told_in_our_words(spec: dict[str, Any], want: tuple[str, str, str] | None) -> None:
    assert parsed(spec) == ([] if want is None else [want])


def test_a_number_beyond_64_bits_is_out_of_range() -> None:
    assert [flaw[1] for flaw in parsed({"delivery": {"retry": 10**30}})] == ["OutOfRange"]


def test_a_list_is_not_called_short_because_its_entries_are_wrong() -> None:
    assert [flaw[0] for flaw in parsed({"functions": [5]})] == ["spec.functions[0]"]


def test_every_pattern_of_the_models_has_words() -> None:
    def patterns(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["pattern"]} if isinstance(node.get("pattern"), str) else set()
            own |= set(node.get("patternProperties", {}))
            return own.union(*(patterns(value) for value in node.values()))
        return set().union(*(patterns(item) for item in node)) if isinstance(node, list) else set()

    assert patterns(json.loads(schema.text())) == set(formats.FORMATS)


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ((), "document"),
        (("spec", "queues", 0, "batch", "max"), "spec.queues[0].batch.max"),
        (("a b", "c\n"), "['a b']['c\\n']"),
    ],
)
def test_a_path_is_written_as_people_write_it(path: Path, want: str) -> None:
    assert dotted(path) == want
