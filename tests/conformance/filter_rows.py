"""Which events a Trigger's filters let through."""

from __future__ import annotations

import json
from typing import Any

from conformance import looks
from conformance.rows import Request, Row, Trigger

EVENT: dict[str, str | int | bool] = {
    "specversion": "1.0",
    "type": "dev.knative.sources.ping",
    "source": "/apis/v1/namespaces/default/pingsources/tick",
    "id": "{row}",
    "priority": "high",
    "attempt": 5,
    "retried": True,
}
TYPE = str(EVENT["type"])
PASS, FAIL = "passes", "does not pass"


def row(sentence: str, filters: tuple[Any, ...], want: str, **more: Any) -> Row:
    """A row about one event in structured mode, where alone integers and booleans keep their types; `more` of it."""
    why = more.pop("why", "")
    level, source = more.pop("level", "MUST"), more.pop("source", "filters")
    return Row(
        section="Filters",
        level=level,
        sentence=sentence,
        source=source,
        want=want,
        look=looks.passes,
        triggers=(Trigger(filters=filters),),
        requests=(
            Request(headers={"content-type": "application/cloudevents+json"}, body=json.dumps(EVENT | more).encode()),
        ),
        why=why,
    )


def code(sentence: str, filters: tuple[Any, ...], want: str, **more: Any) -> Row:
    """A row about what only the default Broker's code says."""
    return row(sentence, filters, want, level="MAY", source="lookup", **more)


def basics(dialect: str, hit: str, miss: str) -> tuple[Row, ...]:
    """What exact, prefix and suffix have in common; `hit` matches the type and `miss` does not."""
    return (
        row(f"{dialect}: a value that matches passes", ({dialect: {"type": hit}},), PASS),
        row(f"{dialect}: a value that does not match fails", ({dialect: {"type": miss}},), FAIL),
        row(f"{dialect}: comparison is case-sensitive", ({dialect: {"type": hit.upper()}},), FAIL),
        row(f"{dialect}: a number matches by its text", ({dialect: {"attempt": "5"}},), PASS),
    )


def pairs(dialect: str, hit: str) -> tuple[Row, ...]:
    """What they have in common as well, because one function looks attributes up for all three."""
    return (
        row(f"{dialect}: all attributes pass", ({dialect: {"type": hit, "priority": "high"}},), PASS),
        row(f"{dialect}: one attribute fails", ({dialect: {"type": hit, "priority": "low"}},), FAIL),
        row(f"{dialect}: an extension that is missing fails", ({dialect: {"region": "eu"}},), FAIL),
        row(f"{dialect}: an optional attribute that is missing is empty", ({dialect: {"subject": "a"}},), FAIL),
        row(f"{dialect}: an extension matches", ({dialect: {"priority": "high"}},), PASS),
        row(f"{dialect}: a boolean matches by its text", ({dialect: {"retried": "true"}},), PASS),
        row(f"{dialect}: a boolean's text is in lower case", ({dialect: {"retried": "True"}},), FAIL),
    )


def lists(dialect: str, numbers: tuple[tuple[int, int], ...]) -> tuple[Row, ...]:
    """all or any of so many conditions that match and so many that do not."""
    combine = {"all": all, "any": any}[dialect]
    return tuple(
        row(
            f"{dialect}: {hits} of {hits + misses} pass",
            ({dialect: [MISS] * misses + [HIT] * hits},),
            PASS if combine([False] * misses + [True] * hits) else FAIL,
        )
        for hits, misses in numbers
    )


HIT, MISS = {"exact": {"type": TYPE}}, {"exact": {"type": "other"}}
ROWS = (
    row("no filters: everything passes", (), PASS),
    row("several filters: all must pass", (HIT, MISS), FAIL),
    row("several filters: all pass", (HIT, {"exact": {"priority": "high"}}), PASS),
    *basics("exact", TYPE, "dev.knative"),
    *basics("prefix", "dev.knative", "knative"),
    *basics("suffix", "sources.ping", "dev.knative"),
    *pairs("exact", TYPE),
    row("prefix: the whole value is a prefix of itself", ({"prefix": {"type": TYPE}},), PASS),
    row("suffix: the whole value is a suffix of itself", ({"suffix": {"type": TYPE}},), PASS),
    row("prefix: longer than the value fails", ({"prefix": {"type": TYPE + "x"}},), FAIL),
    row("suffix: longer than the value fails", ({"suffix": {"type": "x" + TYPE}},), FAIL),
    *lists("all", ((2, 0), (1, 1), (0, 2))),
    *lists("any", ((2, 0), (1, 1), (0, 2))),
    row("not: what passes fails", ({"not": HIT},), FAIL),
    row("not: what fails passes", ({"not": MISS},), PASS),
    row("not: twice is once", ({"not": {"not": HIT}},), PASS),
    row("not: a missing extension passes", ({"not": {"exact": {"region": "eu"}}},), PASS),
    row("nested: any of all", ({"any": [{"all": [HIT, MISS]}, {"all": [HIT, HIT]}]},), PASS),
    row("nested: all of any", ({"all": [{"any": [HIT, MISS]}, {"any": [MISS, MISS]}]},), FAIL),
    code(
        "time: as Go writes it in UTC",
        ({"exact": {"time": "2026-01-01T00:00:00Z"}},),
        PASS,
        time="2026-01-01T01:00:00+01:00",
    ),
    code(
        "time: without trailing zeros",
        ({"exact": {"time": "2026-01-01T00:00:00.12Z"}},),
        PASS,
        time="2026-01-01T00:00:00.120000000Z",
    ),
    code(
        "time: with nanoseconds",
        ({"suffix": {"time": ".123456789Z"}},),
        PASS,
        time="2026-01-01T00:00:00.123456789Z",
    ),
    code("time: missing is the year 1", ({"exact": {"time": "0001-01-01T00:00:00Z"}},), PASS),
    code("schemaurl: another name of dataschema", ({"exact": {"schemaurl": "a:b"}},), PASS, dataschema="a:b"),
    code(
        "datamediatype: without parameters, in the case it was sent in",
        ({"exact": {"datamediatype": "Text/plain"}},),
        PASS,
        datacontenttype="Text/plain ; charset=utf-8",
    ),
    row(
        "datacontenttype: as it is",
        ({"suffix": {"datacontenttype": "utf-8"}},),
        PASS,
        datacontenttype="text/plain; charset=utf-8",
    ),
)
MORE = (
    *pairs("prefix", "dev.knative"),
    *pairs("suffix", "sources.ping"),
    *lists("all", ((1, 0), (0, 1), (3, 0), (2, 1))),
    *lists("any", ((1, 0), (0, 1), (1, 2), (0, 3))),
    code("time: in lower case", ({"suffix": {"time": "Z"}},), PASS, time="2026-01-01t00:00:00z"),
    code("time: what is none stays as it is", ({"exact": {"time": "soon"}},), PASS, time="soon"),
    code(
        "time: a day that no month has stays as it is",
        ({"prefix": {"time": "2026-02-30"}},),
        PASS,
        time="2026-02-30T00:00:00Z",
    ),
)
"""Rows for the filters alone: more of the same, or events that no ingress lets in."""


def attributes(row: Row) -> dict[str, str | int | bool]:
    """The attributes of the event that a row is about."""
    found: dict[str, str | int | bool] = json.loads(row.requests[0].body)
    return found
