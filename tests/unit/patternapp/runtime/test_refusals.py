"""What `dev` does not run is refused by name and place, all of it at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import runtime_parts

from patternapp import errors
from patternapp.runtime import refusals

if TYPE_CHECKING:
    from patternapp.errors import Problem
    from patternapp.plan import model

TRIGGER = runtime_parts.trigger("fan-out/orders/stock", "ping")


def problems(*parts: model.Node | model.Edge) -> tuple[Problem, ...]:
    with pytest.raises(errors.SpecError) as refused:
        refusals.check(runtime_parts.plan_of(*parts), file="app.yaml")
    return refused.value.problems


def test_a_plan_that_dev_runs_is_let_through() -> None:
    refusals.check(runtime_parts.plan_of(TRIGGER), file="app.yaml")


@pytest.mark.parametrize(
    "condition",
    [
        {"cesql": "EXISTS priority"},
        {"not": {"cesql": "EXISTS priority"}},
        {"any": ({"exact": {"type": "a"}}, {"all": ({"cesql": "TRUE"},)})},
    ],
)
def test_a_cesql_filter_is_refused_however_deep_it_is(condition: Any) -> None:
    (problem,) = problems(replace(TRIGGER, filters=(condition,)))

    assert (problem.file, problem.path, problem.reason) == ("app.yaml", "fan-out/orders/stock", "NotInDevYet")
    assert problem.message == "dev cannot filter with cesql yet; use exact, prefix, suffix, all, any and not"


def test_every_refusal_is_told_at_once() -> None:
    other = replace(TRIGGER, key="fan-out/orders/email", filters=({"cesql": "TRUE"},))

    told = problems(replace(TRIGGER, filters=({"cesql": "TRUE"},)), other)

    assert [problem.path for problem in told] == ["fan-out/orders/stock", "fan-out/orders/email"]
