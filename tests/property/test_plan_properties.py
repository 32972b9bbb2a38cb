from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import spec_strategies
from hypothesis import HealthCheck, given, settings

from patternapp.plan import compile as compiler
from patternapp.plan import describe, graph
from patternapp.plan.model import Consume, Trigger

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no reason to fail."""


@CALM
@given(spec_strategies.resources())
def test_equal_apps_give_equal_plans(resource: dict[str, Any]) -> None:
    first = compiler.compile_app(spec_strategies.parsed(resource))
    second = compiler.compile_app(spec_strategies.parsed(resource))

    assert first == second
    assert json.dumps(describe.describe(first)) == json.dumps(describe.describe(second))


@CALM
@given(spec_strategies.resources())
def test_keys_are_unique_and_every_edge_and_dead_letter_leads_somewhere(resource: dict[str, Any]) -> None:
    plan = compiler.compile_app(spec_strategies.parsed(resource))

    nodes = [node.key for node in plan.nodes]
    edges = [edge.key for edge in plan.edges]
    assert len(set(nodes)) == len(nodes)
    assert len(set(edges)) == len(edges)
    assert {edge.tail for edge in plan.edges} | {edge.head for edge in plan.edges} <= set(nodes)
    ends = {edge.dead_letter for edge in plan.edges if isinstance(edge, Trigger | Consume)}
    assert ends <= {*nodes, None}


@CALM
@given(spec_strategies.resources())
def test_pictures_of_any_app_are_stable_and_well_formed(resource: dict[str, Any]) -> None:
    plan = compiler.compile_app(spec_strategies.parsed(resource))

    picture = graph.svg(plan)

    ET.fromstring(picture)  # noqa: S314 - the text is our own, and well-formedness is the question
    assert picture == graph.svg(plan)
    assert all(line.count('"') % 2 == 0 for line in graph.mermaid(plan).splitlines())
    assert graph.dot(plan).endswith("}\n")
