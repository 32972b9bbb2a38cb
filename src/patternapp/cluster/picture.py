"""Which objects stand for which part of a picture, and so what the picture of an app on a cluster shows.

What holds here: a part is as well as the worst of its objects; what is outside the app has no mark.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from patternapp.cluster import state as states
from patternapp.plan import describe, model, view
from patternapp.render import names
from patternapp.spec import sources as spec_sources

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from patternapp.cluster.readiness import Readiness
    from patternapp.cluster.resources import Object
    from patternapp.cluster.state import AppState, ObjectState
    from patternapp.plan.model import Node, Plan

TRIGGER, BINDING = "Trigger", "SinkBinding"
SCALERS = frozenset({"ScaledObject", "KafkaSource"})


def marks(plan: Plan, state: AppState) -> view.Marks:
    """What the picture of an app shows besides its plan."""
    # Triggers are edges; one may share its name with the schedule or the queue that it belongs to.
    triggers = _by_name(one for one in state.objects() if one.ref.kind == TRIGGER)
    scalers = _by_name(one for one in state.objects() if one.ref.kind in SCALERS)
    others = _by_name(one for one in state.objects() if one.ref.kind != TRIGGER)
    nodes = {node.key: _mark(others, _names(plan, node, others)) for node in plan.nodes}
    nodes[view.STORE] = _mark(others, {names.own(plan.app, names.DEAD_LETTERS)})
    bindings = {one.ref.name for one in state.objects() if one.ref.kind == BINDING}
    nodes[model.BROKER] = _mark(others, {names.broker(plan.app), *bindings})
    edges = {edge.key: _mark(triggers, {names.entry(plan.app, edge.key)}) for edge in plan.edges_of(model.Trigger)}
    for consume in plan.edges_of(model.Consume):
        edges[consume.key] = _mark(scalers, {names.worker(plan.app, consume.tail)})
    return view.Marks(
        whole=_told(state.ready),
        nodes={key: mark for key, mark in nodes.items() if mark is not None},
        edges={key: mark for key, mark in edges.items() if mark is not None},
    )


def data(plan: Plan, shown: view.Marks) -> Object:
    """The plan as JSON data; it and each marked node and edge have ``ready`` and ``reason``."""
    described = describe.describe(plan)
    for part, found in (("nodes", shown.nodes), ("edges", shown.edges)):
        described[part] = [one | _plain(found.get(one["key"])) for one in described[part]]
    return described | _plain(shown.whole)


def _plain(mark: view.Mark | None) -> Object:
    return {"ready": mark.ready, "reason": mark.reason} if mark is not None else {}


def _names(plan: Plan, node: Node, there: Collection[str]) -> set[str]:
    """The names of the objects that stand for a node."""
    match node:
        case model.Function():
            found = {names.function(plan.app, node.name)}
            found = found if found & set(there) else _runners(plan, node)
        case model.Gateway():
            found = {names.own(plan.app, names.GATEWAY), node.host or ""}
        case model.Source():
            found = {names.entry(plan.app, node.key), *_receivers(plan, node)}
        case model.Queue() | model.Stream():
            found = {names.worker(plan.app, node.key)}
        case _:
            found = {names.entry(plan.app, node.key)}
    return found


def _runners(plan: Plan, function: model.Function) -> set[str]:
    """The workers and Jobs of a function that nobody calls otherwise."""
    workers = {names.worker(plan.app, edge.tail) for edge in plan.edges_of(model.Consume) if edge.head == function.key}
    jobs = {names.entry(plan.app, edge.key) for edge in plan.edges_of(model.Trigger) if edge.head == function.key}
    return workers | jobs


def _receivers(plan: Plan, source: model.Source) -> set[str]:
    """Our own service that takes in a source's events."""
    match source.origin:
        case spec_sources.Webhook():
            return {names.own(plan.app, names.WEBHOOKS)}
        case spec_sources.Bucket(aws=None):
            return {names.own(plan.app, names.BUCKET_EVENTS)}
        case _:
            return set()


def _by_name(objects_: Iterable[ObjectState]) -> dict[str, list[Readiness]]:
    found: dict[str, list[Readiness]] = defaultdict(list)
    for one in objects_:
        found[one.ref.name].append(one.readiness)
    return found


def _mark(known: Mapping[str, list[Readiness]], chosen: Iterable[str]) -> view.Mark | None:
    told = [one for name in chosen for one in known.get(name, ())]
    return _told(states.worst(told)) if told else None


def _told(told: Readiness) -> view.Mark:
    return view.Mark(told.status, told.reason)
