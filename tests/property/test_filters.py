from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from patternapp import errors, filters

CALM = settings(deadline=None)
"""A busy machine is no reason to fail."""
NAMES = ("type", "source", "subject", "priority", "attempt", "time")
values = st.text(st.sampled_from("abc"), min_size=1, max_size=3)
events = st.dictionaries(st.sampled_from(NAMES), values | st.integers(0, 9) | st.booleans())
comparisons = st.builds(
    lambda dialect, pairs: {dialect: pairs},
    st.sampled_from(("exact", "prefix", "suffix")),
    st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3),
)


def composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries({"all": several}) | st.fixed_dictionaries({"any": several}) | negated(inner)


def negated(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"not": inner})


conditions = st.recursive(comparisons, composed, max_leaves=8)
DIALECTS = ("exact", "prefix", "suffix", "all", "any", "not", "cesql", "x")
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(DIALECTS), inner, max_size=2),
    max_leaves=10,
)


def matches(event: dict[str, Any], *several: dict[str, Any]) -> bool:
    return filters.compile(several)(event)


@CALM
@given(event=events, condition=conditions)
def test_not_swaps_and_twice_swaps_back(event: dict[str, Any], condition: dict[str, Any]) -> None:
    assert matches(event, {"not": condition}) is not matches(event, condition)
    assert matches(event, {"not": {"not": condition}}) is matches(event, condition)


@CALM
@given(event=events, one=conditions, other=conditions)
def test_all_is_and_any_is_or(event: dict[str, Any], one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = matches(event, one), matches(event, other)

    assert matches(event, {"all": [one, other]}) is (first and second)
    assert matches(event, one, other) is (first and second)
    assert matches(event, {"any": [one, other]}) is (first or second)


@CALM
@given(event=events, one=conditions, other=conditions)
def test_de_morgan_holds(event: dict[str, Any], one: dict[str, Any], other: dict[str, Any]) -> None:
    neither = {"all": [{"not": one}, {"not": other}]}

    assert matches(event, {"not": {"any": [one, other]}}) is matches(event, neither)


@CALM
@given(event=events, pairs=st.dictionaries(st.sampled_from(NAMES), values, min_size=1))
def test_exact_implies_prefix_and_suffix(event: dict[str, Any], pairs: dict[str, str]) -> None:
    if matches(event, {"exact": pairs}):
        assert matches(event, {"prefix": pairs}, {"suffix": pairs})


@CALM
@given(event=events, several=st.lists(conditions, max_size=3))
def test_an_explanation_agrees_with_the_predicate(event: dict[str, Any], several: list[dict[str, Any]]) -> None:
    verdicts = filters.explain(several, event)

    for index, condition in enumerate(several):
        (dialect,) = condition
        own = [verdict for verdict in verdicts if verdict.path.startswith(f"filters[{index}].{dialect}")]
        outer = [verdict.matched for verdict in own if verdict.path.count(".") == own[0].path.count(".")]
        wanted = matches(event, condition)
        assert (all(outer) if dialect in {"exact", "prefix", "suffix"} else own[0].matched) is wanted


@CALM
@given(several=st.lists(junk, max_size=3), event=events)
def test_anything_is_filters_or_an_error(several: list[Any], event: dict[str, Any]) -> None:
    filters.uses_cesql(several)
    with contextlib.suppress(errors.FilterError):
        filters.compile(several)(event)
