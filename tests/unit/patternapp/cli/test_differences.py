"""A review as people read it."""

from __future__ import annotations

import re

import pytest

from patternapp.cli import differences
from patternapp.cluster import resources
from patternapp.cluster.difference import ABSENT, Change
from patternapp.cluster.review import AppReview, Claim, Review, Verdict

STYLE = re.compile("\x1b\\[[0-9;]*m")
CONFIG = resources.ApiKind("v1", "ConfigMap")
SAME = Review(kind=resources.APP_KIND, name="shop", verdict=Verdict.SAME)


def text(*objects: Review, paused: bool = False) -> list[str]:
    found = AppReview(resources.AppKey("ns", "shop"), SAME, objects, paused)
    return [STYLE.sub("", line) for line in differences.lines(found)]


def test_what_stays_is_only_counted() -> None:
    assert text(Review(kind=CONFIG, name="one", verdict=Verdict.SAME)) == ["ns/shop (dry run): 2 unchanged"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change("spec.max", ABSENT, 3), ["    + spec.max: 3"]),
        (Change("spec.max", 2, 3), ["    ~ spec.max: 2 -> 3"]),
        (Change("spec.max", 2, ABSENT), ["    - spec.max: 2"]),
        (Change("spec.max", None, ""), ['    ~ spec.max: null -> ""']),
        (Change("a", "x" * 40, "y" * 40), ["    ~ a", f'        - "{"x" * 40}"', f'        + "{"y" * 40}"']),
        (Change("a", ABSENT, "\x1b[31m"), ['    + a: "\\u001b[31m"']),
    ],
    ids=str,
)
def test_a_field_is_shown_with_what_it_was_and_would_be(change: Change, expected: list[str]) -> None:
    head, *fields, _ = text(Review(kind=CONFIG, name="one", verdict=Verdict.CHANGED, changes=(change,)))

    assert head == "~ ConfigMap one changed"
    assert fields == expected


def test_a_field_of_another_manager_is_named_with_the_manager() -> None:
    claim = Claim("spec.replicas", "kubectl-edit")

    lines = text(Review(kind=CONFIG, name="one", verdict=Verdict.CHANGED, claims=(claim,)))

    assert "    ! spec.replicas is also set by 'kubectl-edit'; the operator takes it over" in lines


def test_a_paused_app_says_that_nothing_would_be_done() -> None:
    assert any("it is paused" in line for line in text(paused=True))
