from __future__ import annotations

from typing import Any

import pytest

from patternapp import errors, filters

EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "shop.order.placed", "priority": "high"}


def deep(levels: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"exact": {"type": "a"}}
    for _ in range(levels):
        condition = {"not": condition}
    return condition


@pytest.mark.parametrize(
    ("malformed", "message"),
    [
        ("exact", "filters: a list of conditions is expected"),
        ([5], r"filters\[0\]: a condition is an object with one dialect"),
        ([{}], r"filters\[0\]: a condition is an object with one dialect"),
        ([{"exact": {"type": "a"}, "prefix": {"type": "a"}}], r"filters\[0\]: a condition is an object with one"),
        ([{"exakt": {}}], r"filters\[0\]\.exakt: unknown dialect; write exact"),
        ([{"exact": {}}], r"filters\[0\]\.exact: attributes and their values are expected"),
        ([{"exact": []}], r"filters\[0\]\.exact: attributes and their values are expected"),
        ([{"exact": {"Type": "a"}}], r"filters\[0\]\.exact: 'Type' is no attribute"),
        ([{"exact": {"type": ""}}], r"filters\[0\]\.exact\.type: a text that is not empty is expected"),
        ([{"exact": {"type": 5}}], r"filters\[0\]\.exact\.type: a text that is not empty is expected"),
        ([{"all": []}], r"filters\[0\]\.all: at least one condition is expected"),
        ([{"any": {"exact": {"type": "a"}}}], r"filters\[0\]\.any: a list of conditions is expected"),
        ([{"any": [{"not": 5}]}], r"filters\[0\]\.any\[0\]\.not: a condition is an object"),
        ([deep(40)], "nested more than 32 levels deep"),
        ([deep(100_000)], "nested more than 32 levels deep"),
    ],
)
def test_a_malformed_filter_is_refused_with_its_place(malformed: Any, message: str) -> None:
    with pytest.raises(errors.FilterError, match=message):
        filters.compile(malformed)


def test_cesql_is_refused_by_name() -> None:
    with pytest.raises(errors.FilterError, match=r"filters\[0\]\.not\.cesql: CESQL is not available in dev"):
        filters.compile([{"not": {"cesql": "EXISTS priority"}}])


@pytest.mark.parametrize(
    ("conditions", "want"),
    [
        ([], False),
        ([{"exact": {"cesql": "a"}}], False),
        ([{"cesql": "TRUE"}], True),
        ([{"exact": {"type": "a"}}, {"all": [{"any": [{"not": {"cesql": "TRUE"}}]}]}], True),
        ([{"all": 5}, "cesql", None], False),
        ([deep(100_000)], False),
    ],
    ids=["none", "attribute", "plain", "nested", "malformed", "deep"],
)
def test_cesql_is_found_however_deep(conditions: Any, want: bool) -> None:  # noqa: FBT001 - a column of the table
    assert filters.uses_cesql(conditions) is want


def test_an_explanation_names_every_condition() -> None:
    conditions: list[dict[str, Any]] = [
        {"exact": {"type": "shop.order.placed", "source": "/other"}},
        {"any": [{"prefix": {"priority": "low"}}, {"not": {"suffix": {"region": "eu"}}}]},
    ]

    assert filters.explain(conditions, EVENT) == (
        filters.Verdict("filters[0].exact.type", True, "type is 'shop.order.placed'"),
        filters.Verdict("filters[0].exact.source", False, "source is '/shop', which is not '/other'"),
        filters.Verdict("filters[1].any", True, "1 of 2 conditions match"),
        filters.Verdict(
            "filters[1].any[0].prefix.priority", False, "priority is 'high', which does not begin with 'low'"
        ),
        filters.Verdict("filters[1].any[1].not", True, "the condition inside does not match"),
        filters.Verdict("filters[1].any[1].not.suffix.region", False, "the event has no region"),
    )


def test_an_explanation_of_a_malformed_filter_is_refused() -> None:
    with pytest.raises(errors.FilterError):
        filters.explain([{"exact": {}}], EVENT)


def test_a_predicate_is_not_changed_by_changing_the_filters_afterwards() -> None:
    attributes = {"type": "shop.order.placed"}
    conditions = [{"exact": attributes}]
    matches = filters.compile(conditions)

    attributes["type"] = "other"
    conditions.clear()

    assert matches(EVENT)
