"""What `dev` does not run is refused by name and place, all of it at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import runtime_parts

from patternapp import errors
from patternapp.plan import model
from patternapp.runtime import refusals
from patternapp.spec import gateway, sources

if TYPE_CHECKING:
    from patternapp.errors import Problem

TRIGGER = runtime_parts.trigger("fan-out/orders/stock", "ping")
ROUTE = model.Route(
    key="gateway/get-order",
    name="get-order",
    path="/orders/{id}",
    methods=("GET",),
    head="function/orders",
    publish=None,
    throttle=None,
    cache=None,
    auth=None,
)
DATABASE = model.Source(
    name="stock-row",
    origin=sources.Database.model_validate(
        {"secretName": "shop-db", "table": "public.stock", "operations": ("insert",)}
    ),
    marker="event-driven.stock-row",
)


def problems(*parts: model.Node | model.Edge) -> tuple[Problem, ...]:
    with pytest.raises(errors.SpecError) as refused:
        refusals.check(runtime_parts.plan_of(*parts), file="app.yaml")
    return refused.value.problems


def test_a_plan_that_dev_runs_is_let_through() -> None:
    refusals.check(runtime_parts.plan_of(TRIGGER, ROUTE), file="app.yaml")


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


@pytest.mark.parametrize(
    ("name", "wish"),
    [
        ("auth", gateway.Auth.model_validate({"apiKeys": {"secretName": "shop-keys"}})),
        ("throttle", gateway.Throttle.model_validate({"limit": 50, "period": "1s"})),
        ("cache", gateway.Cache.model_validate({"ttl": "30s"})),
    ],
)
def test_a_wish_of_a_route_is_refused_by_name(name: str, wish: Any) -> None:
    (problem,) = problems(replace(ROUTE, **{name: wish}))

    assert problem.path == "gateway/get-order"
    assert problem.message == f"dev's gateway has no {name} yet; leave it out to run the app here"


def test_a_database_source_is_refused() -> None:
    (problem,) = problems(DATABASE)

    assert problem.path == "source/stock-row"
    assert problem.message == ("dev cannot read a database's changes yet; leave the entry out to run the app here")


def test_every_refusal_is_told_at_once() -> None:
    wishes = replace(
        ROUTE,
        throttle=gateway.Throttle.model_validate({"limit": 50, "period": "1s"}),
        cache=gateway.Cache.model_validate({"ttl": "30s"}),
    )

    told = problems(replace(TRIGGER, filters=({"cesql": "TRUE"},)), wishes, DATABASE)

    assert [problem.path for problem in told] == [
        "fan-out/orders/stock",
        "gateway/get-order",
        "gateway/get-order",
        "source/stock-row",
    ]
