"""From what the user wrote to what must exist. Total on valid apps; equal apps give equal plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.plan import broker, event_driven, fan_out, functions, gateway, queues, schedules, streams
from patternapp.plan.model import Broker, Consume, Plan, Trigger, Uri

if TYPE_CHECKING:
    from patternapp.plan.model import Edge, Node
    from patternapp.spec import v1alpha1

PARTS = (
    functions.part,
    broker.part,
    gateway.part,
    event_driven.part,
    fan_out.part,
    queues.part,
    streams.part,
    schedules.part,
)
"""The sections in the order of the resource; none knows another."""


def compile_app(app: v1alpha1.PatternApp) -> Plan:
    """The plan of an app that passed `patternapp.spec.validation`."""
    parts = tuple(part(app.spec) for part in PARTS)
    nodes = tuple(node for part in parts for node in part.nodes)
    edges = tuple(edge for part in parts for edge in part.edges)
    return Plan(app.metadata.name, (*nodes, *_outside(nodes, edges)), edges)


def _outside(nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> tuple[Uri, ...]:
    """A node for every address that is called or gets dead letters, each once, in the order of first mention."""
    inside = {node.key for node in nodes}
    mentioned: list[str | None] = [node.dead_letter for node in nodes if isinstance(node, Broker)]
    for edge in edges:
        mentioned.append(edge.head)
        if isinstance(edge, Trigger | Consume):
            mentioned.append(edge.dead_letter)
    outside = dict.fromkeys(key for key in mentioned if key is not None and key not in inside)
    return tuple(Uri(uri=uri) for uri in outside)
