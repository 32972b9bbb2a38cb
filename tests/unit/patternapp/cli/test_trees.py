"""States of apps as people read them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from patternapp.cli import trees
from patternapp.cluster import resources
from patternapp.cluster.readiness import EXISTS, Readiness
from patternapp.cluster.state import AppState, ObjectState, Part

STYLE = re.compile("\x1b\\[[0-9;]*m")
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
BROKEN = Readiness("False", "Broken", "it\nis \x1b[31mbroken")


def of(told: Readiness = EXISTS, **known: Any) -> AppState:
    """An app with one object that is as `told` says."""
    ref = resources.Ref("ns", "", "ConfigMap", "one")
    item = ObjectState(resources.ApiKind("v1", "ConfigMap"), ref, told, "http://one")
    fields: dict[str, Any] = {
        "key": resources.AppKey("ns", "shop"),
        "said": told,
        "current": True,
        "created": "2026-11-23T09:00:00Z",
        "url": None,
        "functions": (("orders", True, None), ("email", False, None)),
        "parts": (Part("Functions", (item,)),),
    }
    return AppState(**(fields | known))


def tree(one: AppState) -> list[str]:
    return [STYLE.sub("", line) for line in trees.lines(one)]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-5, "0s"), (0, "0s"), (59, "59s"), (60, "1m"), (7_300, "2h"), (200_000, "2d")]
)
def test_an_age_is_told_in_its_largest_unit(seconds: int, expected: str) -> None:
    assert trees.age((NOW - dt.timedelta(seconds=seconds)).isoformat(), NOW) == expected


@pytest.mark.parametrize(
    ("one", "ready", "reason"),
    [
        (of(), "True", "Exists"),
        (of(BROKEN), "False", "Broken"),
        (of(current=False), "Unknown", "NotObserved"),
        (of(Readiness("Unknown", "NoStatus"), current=False), "Unknown", "NoStatus"),
    ],
)
def test_a_row_says_how_the_app_is_now(one: AppState, ready: str, reason: str) -> None:
    (row,) = trees.rows([one], NOW)

    assert row == ("shop", ready, reason, "3h", "1/2", None)


def test_an_object_that_works_is_shown_with_its_address() -> None:
    assert tree(of())[-2:] == ["└─ ✓ Functions", "   └─ ✓ ConfigMap one  http://one"]


def test_an_object_that_does_not_work_is_shown_with_its_reason_on_one_line() -> None:
    head, *_, last = tree(of(BROKEN))

    assert head == "✗ shop  Broken  namespace ns"
    assert last == "   └─ ✗ ConfigMap one  Broken  it is \N{REPLACEMENT CHARACTER}[31mbroken"


def test_what_a_reader_must_know_stands_above_the_tree() -> None:
    lines = tree(of(notes=("it is paused",), url="http://shop", dead_letters=("the store",)))

    assert lines[1:4] == ["  ! it is paused", "  gateway: http://shop", "  dead letters: the store"]
