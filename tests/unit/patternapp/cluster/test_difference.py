"""What differs between two states of an object."""

from __future__ import annotations

from typing import Any

import pytest

from patternapp.cluster import difference
from patternapp.cluster.difference import ABSENT, Change, Verb


def of(old: Any, new: Any) -> tuple[Change, ...]:
    """The differences of two specs."""
    return difference.changes({"spec": old}, {"spec": new})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"max": 3}, Change("spec.max", ABSENT, 3)),
        ({"max": 2}, {"max": 3}, Change("spec.max", 2, 3)),
        ({"max": 2}, {}, Change("spec.max", 2, ABSENT)),
        ({"max": None}, {"max": 0}, Change("spec.max", None, 0)),
        ({"list": [1, 2]}, {"list": [1]}, Change("spec.list", [1, 2], [1])),
        ({"list": [1, 2]}, {"list": [1, 3]}, Change("spec.list[1]", 2, 3)),
        ({"a/b": {"c": 1}}, {"a/b": {"c": 2}}, Change("spec[a/b].c", 1, 2)),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": []},
            Change("spec.env[A]", {"name": "A", "value": "1"}, ABSENT),
        ),
    ],
    ids=str,
)
def test_a_field_that_differs_is_one_change_with_its_path(old: Any, new: Any, expected: Change) -> None:
    assert of(old, new) == (expected,)


def test_a_change_says_what_becomes_of_the_field() -> None:
    assert [one.verb for one in of({"a": 1, "b": 1}, {"b": 2, "c": 1})] == [Verb.CHANGED, Verb.ADDED, Verb.REMOVED]


def test_an_item_more_at_the_front_of_a_named_list_is_one_change() -> None:
    old = {"env": [{"name": "B", "value": "1"}]}
    new = {"env": [{"name": "A", "value": "0"}, {"name": "B", "value": "1"}]}

    assert of(old, new) == (Change("spec.env[A]", ABSENT, {"name": "A", "value": "0"}),)


def test_items_that_share_a_name_are_told_apart_by_their_place() -> None:
    old = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    new = [{"name": "A", "value": "1"}, {"name": "A", "value": "3"}]

    assert of({"env": old}, {"env": new}) == (Change("spec.env[1].value", "2", "3"),)


def test_json_in_a_text_is_compared_as_the_data_it_holds() -> None:
    old, new = ({"data": {"config.json": f'{{"limit": {limit}, "same": 1}}'}} for limit in (50, 5))

    assert difference.changes(old, new) == (Change("data[config.json]:limit", 50, 5),)


def test_a_text_that_only_begins_like_json_is_a_text() -> None:
    assert of({"text": "{a"}, {"text": "{b"}) == (Change("spec.text", "{a", "{b"),)


def test_what_the_server_keeps_for_itself_is_no_difference() -> None:
    metadata = {"name": "one", "labels": {"a": "b"}}
    kept = {"resourceVersion": "5", "generation": 2, "uid": "u", "managedFields": [{}], "annotations": {}}
    stamps = {"serving.knative.dev/lastModifier": "somebody"}

    old = {"metadata": metadata | kept, "status": {"conditions": []}, "spec": {"template": {}}}
    new = {"metadata": metadata | {"annotations": stamps}, "spec": {}}

    assert difference.changes(old, new) == ()
