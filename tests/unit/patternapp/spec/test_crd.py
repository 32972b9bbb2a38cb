from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from patternapp.spec import crd, validation

if TYPE_CHECKING:
    from collections.abc import Iterator


def root() -> dict[str, Any]:
    found: dict[str, Any] = crd.document()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def schemas(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a structural one, value validations left out."""
    yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from schemas(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from schemas(node[key], f"{path}[]")


def spec() -> list[tuple[str, dict[str, Any]]]:
    return list(schemas(root()["properties"]["spec"]))


def rules(name: str) -> list[str]:
    node: dict[str, Any] = next(node for path, node in spec() if path == name)
    return [rule["rule"] for rule in node["x-kubernetes-validations"]]


def test_whatever_a_rule_refuses_is_told_in_words() -> None:
    told = [rule for _, node in spec() for rule in node.get("x-kubernetes-validations", ())]

    assert told
    assert all(rule["message"] for rule in told)
    assert not [path for path, node in spec() if "not" in node]


def test_every_rule_of_a_file_is_the_server_s_too_or_is_said_to_be_left_out() -> None:
    assert {rule.__name__ for rule in validation.RULES} == CHECKED.keys() | PARTLY | LEFT


def test_every_rule_that_the_server_checks_is_in_its_words() -> None:
    written = {rule["message"] for _, node in spec() for rule in node.get("x-kubernetes-validations", ())}

    assert [name for name, words in CHECKED.items() if words and not any(words in text for text in written)] == []


CHECKED = {
    "choices": "write exactly one of function and publish",
    "needs": "protocol needs secretName",
    "min_and_max": "min is above max",
    "duration_limits": "out of range; write",
    "filter_depth": "",  # by the structure, as are the names and values that stand once
    "unique_names": "",
    "unique_values": "",
    "reserved_variables": "is set by Knative",
    "known_functions": "a function is named that spec.functions does not have",
    "dead_letter_loops": "get the events that it failed on",
    "credentials": "browsers refuse credentials",
    "caches": "has no answer to keep",
    "legal_topics": "no topic can have this name",
    "own_queues": "keep their events in one topic",
    "own_groups": "read as one consumer group",
}
"""The rules that the API server checks, with some of the words that it says."""
PARTLY = {"routes", "webhooks", "reachable"}
LEFT = {"readable"}
"""Rules of which `cel.LEFT_OUT` says what the server does not check."""


def test_the_text_is_the_document_and_fits_the_annotation_of_kubectl_apply() -> None:
    text = crd.text()

    assert yaml.safe_load(text) == crd.document()
    assert len(text) < 256 * 1024


def test_the_text_has_no_anchors() -> None:
    assert not any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(crd.text()))


def test_it_is_found_by_its_short_name_and_in_all() -> None:
    names = crd.document()["spec"]["names"]

    assert names["shortNames"] == ["papp"]
    assert names["categories"] == ["all"]


def test_it_has_a_status_and_shows_it() -> None:
    version = crd.document()["spec"]["versions"][0]

    assert version["subresources"] == {"status": {}}
    assert [column["name"] for column in version["additionalPrinterColumns"]] == [
        "Ready",
        "Reason",
        "URL",
        "Objects",
        "Age",
    ]


def test_conditions_are_a_map_by_type() -> None:
    conditions = root()["properties"]["status"]["properties"]["conditions"]

    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_every_schema_has_a_type_but_the_one_union() -> None:
    assert [path for path, node in spec() if "type" not in node] == [".gateway.routes[].auth"]


def test_every_list_map_and_text_has_a_limit() -> None:
    unlimited = [
        path
        for path, node in spec()
        if (node.get("type") == "array" and "maxItems" not in node)
        or (node.get("type") == "string" and not {"maxLength", "enum"} & node.keys())
        or (isinstance(node.get("additionalProperties"), dict) and "maxProperties" not in node)
    ]

    assert unlimited == []


def test_nothing_unknown_is_kept_but_data_and_the_union() -> None:
    kept = [path for path, node in spec() if node.get("x-kubernetes-preserve-unknown-fields")]

    assert kept == [".gateway.routes[].auth", ".schedules[].data"]


def test_every_list_says_what_it_is() -> None:
    kinds = {path: node["x-kubernetes-list-type"] for path, node in spec() if node.get("type") == "array"}

    assert kinds[".functions"] == "map"
    assert kinds[".fanOut[].subscribers"] == "map"
    assert kinds[".gateway.routes[].methods"] == "set"
    assert kinds[".functions[].command"] == "atomic"


def test_filters_are_written_out_to_their_depth() -> None:
    paths = {path for path, _ in spec()}

    assert ".queues[].filters[].not.not.not.exact" in paths
    assert ".queues[].filters[].not.not.not.not" not in paths


def test_a_filter_has_one_dialect_by_its_structure() -> None:
    node = dict(spec())[".queues[].filters[]"]

    assert (node["minProperties"], node["maxProperties"]) == (1, 1)
    assert "x-kubernetes-validations" not in node


def test_choices_are_rules() -> None:
    assert rules(".functions[]") == ["[has(self.handler), has(self.command)].filter(one, one).size() == 1"]


def test_function_is_escaped_as_cel_reserves_the_word() -> None:
    texts = [rule["rule"] for _, node in spec() for rule in node.get("x-kubernetes-validations", ())]

    assert texts
    assert not any(re.search(r"\.function\b", text) for text in texts)


def test_min_is_not_above_max() -> None:
    assert "self.min <= self.max" in rules(".queues[].scale")


def test_a_consumer_group_never_changes() -> None:
    assert rules(".streams[].kafka.consumerGroup") == ["self == oldSelf"]


def test_references_to_functions_are_checked_in_every_section() -> None:
    sections = ("gateway", "eventDriven", "fanOut", "queues", "streams", "schedules")

    assert all(
        any(f"self.{section}" in rule and "self.functions" in rule for rule in rules("")) for section in sections
    )


def test_defaults_are_filled_in_by_the_api_server() -> None:
    found = dict(spec())

    assert found[".functions[].scale"]["default"] == {"min": 0, "max": 10, "concurrency": 40, "idle": "60s"}
    assert found[".functions[].timeout"]["default"] == "30s"
