"""How Knative's default Broker evaluates a Trigger's filters.

Source of the semantics: https://github.com/knative/eventing/tree/main/pkg/eventfilter (``subscriptionsapi`` and
``attributes``), and https://github.com/cloudevents/spec/blob/main/subscriptions/spec.md "Filters". The rows are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from patternapp import filters

EVENT: dict[str, str | int | bool] = {
    "specversion": "1.0",
    "type": "dev.knative.sources.ping",
    "source": "/apis/v1/namespaces/default/pingsources/tick",
    "id": "1234",
    "priority": "high",
    "attempt": 5,
    "retried": True,
}
TYPE = str(EVENT["type"])
PASS, FAIL = True, False


@dataclass(frozen=True)
class Row:
    level: str
    sentence: str
    filters: tuple[Any, ...]
    want: bool
    more: dict[str, str | int | bool] = field(default_factory=dict)


def pairs(dialect: str, hit: str, miss: str) -> tuple[Row, ...]:
    """The rows that exact, prefix and suffix have in common; `hit` matches the type and `miss` does not."""
    return (
        Row("MUST", f"{dialect}: a value that matches passes", ({dialect: {"type": hit}},), PASS),
        Row("MUST", f"{dialect}: a value that does not match fails", ({dialect: {"type": miss}},), FAIL),
        Row("MUST", f"{dialect}: comparison is case-sensitive", ({dialect: {"type": hit.upper()}},), FAIL),
        Row("MUST", f"{dialect}: all attributes pass", ({dialect: {"type": hit, "priority": "high"}},), PASS),
        Row("MUST", f"{dialect}: one attribute fails", ({dialect: {"type": hit, "priority": "low"}},), FAIL),
        Row("MUST", f"{dialect}: an extension that is missing fails", ({dialect: {"region": "eu"}},), FAIL),
        Row("MUST", f"{dialect}: an optional attribute that is missing is empty", ({dialect: {"subject": "a"}},), FAIL),
        Row("MUST", f"{dialect}: an extension matches", ({dialect: {"priority": "high"}},), PASS),
        Row("MUST", f"{dialect}: a number matches by its text", ({dialect: {"attempt": "5"}},), PASS),
        Row("MUST", f"{dialect}: a boolean matches by its text", ({dialect: {"retried": "true"}},), PASS),
        Row("MUST", f"{dialect}: Python's name of a boolean is no text of it", ({dialect: {"retried": "True"}},), FAIL),
    )


HIT, MISS = {"exact": {"type": TYPE}}, {"exact": {"type": "other"}}
ROWS = (
    Row("MUST", "no filters: everything passes", (), PASS),
    Row("MUST", "several filters: all must pass", (HIT, MISS), FAIL),
    Row("MUST", "several filters: all pass", (HIT, {"exact": {"priority": "high"}}), PASS),
    *pairs("exact", TYPE, "dev.knative"),
    *pairs("prefix", "dev.knative", "knative"),
    *pairs("suffix", "sources.ping", "dev.knative"),
    Row("MUST", "prefix: the whole value is a prefix of itself", ({"prefix": {"type": TYPE}},), PASS),
    Row("MUST", "suffix: the whole value is a suffix of itself", ({"suffix": {"type": TYPE}},), PASS),
    Row("MUST", "prefix: longer than the value fails", ({"prefix": {"type": TYPE + "x"}},), FAIL),
    Row("MUST", "suffix: longer than the value fails", ({"suffix": {"type": "x" + TYPE}},), FAIL),
    *(
        Row("MUST", f"all: {hits} of {hits + misses} pass", ({"all": [HIT] * hits + [MISS] * misses},), misses == 0)
        for hits, misses in ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1))
    ),
    *(
        Row("MUST", f"any: {hits} of {hits + misses} pass", ({"any": [MISS] * misses + [HIT] * hits},), hits > 0)
        for hits, misses in ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (1, 2), (0, 3))
    ),
    Row("MUST", "not: what passes fails", ({"not": HIT},), FAIL),
    Row("MUST", "not: what fails passes", ({"not": MISS},), PASS),
    Row("MUST", "not: twice is once", ({"not": {"not": HIT}},), PASS),
    Row("MUST", "not: a missing extension passes", ({"not": {"exact": {"region": "eu"}}},), PASS),
    Row("MUST", "nested: any of all", ({"any": [{"all": [HIT, MISS]}, {"all": [HIT, HIT]}]},), PASS),
    Row("MUST", "nested: all of any", ({"all": [{"any": [HIT, MISS]}, {"any": [MISS, MISS]}]},), FAIL),
    Row(
        "MAY",
        "time: as Go writes it in UTC",
        ({"exact": {"time": "2026-01-01T00:00:00Z"}},),
        PASS,
        {"time": "2026-01-01T01:00:00+01:00"},
    ),
    Row(
        "MAY",
        "time: without trailing zeros",
        ({"exact": {"time": "2026-01-01T00:00:00.12Z"}},),
        PASS,
        {"time": "2026-01-01t00:00:00.120000000z"},
    ),
    Row(
        "MAY",
        "time: with nanoseconds",
        ({"suffix": {"time": ".123456789Z"}},),
        PASS,
        {"time": "2026-01-01T00:00:00.123456789Z"},
    ),
    Row("MAY", "time: missing is the year 1", ({"exact": {"time": "0001-01-01T00:00:00Z"}},), PASS),
    Row("MAY", "time: what is no time stays as it is", ({"exact": {"time": "soon"}},), PASS, {"time": "soon"}),
    Row(
        "MAY",
        "time: a day that no month has stays as it is",
        ({"prefix": {"time": "2026-02-30"}},),
        PASS,
        {"time": "2026-02-30T00:00:00Z"},
    ),
    Row(
        "MAY", "schemaurl: another name of dataschema", ({"exact": {"schemaurl": "a:b"}},), PASS, {"dataschema": "a:b"}
    ),
    Row(
        "MAY",
        "datamediatype: without parameters",
        ({"exact": {"datamediatype": "text/plain"}},),
        PASS,
        {"datacontenttype": "Text/plain; charset=utf-8"},
    ),
    Row(
        "MUST",
        "datacontenttype: as it is",
        ({"suffix": {"datacontenttype": "utf-8"}},),
        PASS,
        {"datacontenttype": "text/plain; charset=utf-8"},
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_a_filter_passes_what_knative_passes(row: Row) -> None:
    event = {**EVENT, **row.more}

    assert filters.compile(row.filters)(event) is row.want


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_an_explanation_agrees_with_the_filter(row: Row) -> None:
    event = {**EVENT, **row.more}

    verdicts = {verdict.path: verdict.matched for verdict in filters.explain(row.filters, event)}

    outer = [matched for path, matched in verdicts.items() if path.count("[") == 1 and ".not." not in path]
    assert all(outer) is row.want
