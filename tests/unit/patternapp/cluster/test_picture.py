"""Which objects stand for which part of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from golden import rewrite

from patternapp.cluster import desired, picture, resources
from patternapp.cluster.readiness import Readiness
from patternapp.cluster.state import AppState, ObjectState, Part
from patternapp.plan import compile as compiler
from patternapp.plan import graph, model
from patternapp.render import capabilities
from patternapp.spec import load

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from patternapp.cluster.desired import Wanted
    from patternapp.plan.model import Plan

FINE, BROKEN = Readiness("True", "Ready"), Readiness("False", "Broken")


def shown(case: pathlib.Path, told: Callable[[Wanted], Readiness]) -> tuple[Plan, AppState]:
    """A golden case on a cluster where each object is as `told` says."""
    body: dict[str, Any] = yaml.safe_load((case / "in.yaml").read_text())
    body["metadata"] |= {"namespace": "ns", "uid": "a1"}
    plan = compiler.compile_app(load.from_object(body))
    wanted = desired.desired(body, capabilities.DEFAULT).objects
    objects = tuple(ObjectState(one.kind, one.ref, told(one)) for one in wanted)
    state = AppState(
        key=resources.AppKey("ns", plan.app),
        said=FINE,
        current=True,
        created="2026-01-01T00:00:00Z",
        url=None,
        functions=(),
        parts=(Part("All", objects),),
        plan=plan,
    )
    return plan, state


def shop() -> pathlib.Path:
    (found,) = (case for case in rewrite.cases() if "whole-shop" in case.name)
    return found


@pytest.mark.parametrize("case", rewrite.cases(), ids=lambda case: case.name)
def test_every_part_that_the_app_itself_makes_has_a_mark(case: pathlib.Path) -> None:
    plan, state = shown(case, lambda _: FINE)

    marks = picture.marks(plan, state)

    own = {node.key for node in plan.nodes if not isinstance(node, model.Uri)}
    made = {edge.key for edge in plan.edges_of(model.Trigger)} | {edge.key for edge in plan.edges_of(model.Consume)}
    assert own <= marks.nodes.keys()
    assert made == marks.edges.keys()


@pytest.mark.parametrize(
    ("kind", "name", "node", "edge"),
    [
        ("Service", "shop-orders", "function/orders", None),
        ("Broker", "shop", "broker", None),
        ("SinkBinding", "shop-services", "broker", None),
        ("DomainMapping", "shop.example.com", "gateway", None),
        ("Service", "shop-webhooks", "source/payment", None),
        ("Trigger", "shop-fan-out-order-placed--email", None, "fan-out/order-placed/email"),
        ("Trigger", "shop-queue-invoices", None, "queue/invoices"),
        ("PingSource", "shop-schedule-nightly-backup", "schedule/nightly-backup", None),
    ],
)
def test_an_object_that_is_broken_shows_where_it_belongs(
    kind: str, name: str, node: str | None, edge: str | None
) -> None:
    plan, state = shown(shop(), lambda one: BROKEN if (one.kind.kind, one.ref.name) == (kind, name) else FINE)

    marks = picture.marks(plan, state)

    assert {key for key, mark in marks.nodes.items() if mark.ready == "False"} == ({node} if node else set())
    assert {key for key, mark in marks.edges.items() if mark.ready == "False"} == ({edge} if edge else set())


def test_why_a_part_does_not_work_stands_in_every_kind_of_picture() -> None:
    plan, state = shown(shop(), lambda one: BROKEN if one.ref.name == "shop-orders" else FINE)
    marks = picture.marks(plan, state)

    pictures = [draw(plan, marks) for draw in (graph.mermaid, graph.dot, graph.svg)]

    assert all("Broken" in text and "#cf222e" in text and "#2da44e" in text for text in pictures)


def test_the_data_of_a_picture_has_the_marks_beside_the_plan() -> None:
    plan, state = shown(shop(), lambda one: BROKEN if one.ref.name == "shop-orders" else FINE)

    data = picture.data(plan, picture.marks(plan, state))

    (orders,) = (node for node in data["nodes"] if node["key"] == "function/orders")
    assert (orders["ready"], orders["reason"], data["ready"]) == ("False", "Broken", "True")
