"""A plan as Kubernetes objects.

What holds here:

* Objects come in the order they can be applied, and equal plans give equal objects.
* `KINDS` is all an app can become. Every object is namespaced and names no namespace, so an app gives its author
  nothing that the author could not make in that namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import errors
from patternapp.plan.model import (
    Broker,
    Consume,
    Function,
    Gateway,
    Queue,
    Route,
    Schedule,
    Source,
    Stream,
    Trigger,
)
from patternapp.render import capabilities as caps
from patternapp.render import ceph, core, eventing, jobs, kafka, keda, knative, names, network, policies, receivers
from patternapp.render import scope as scopes
from patternapp.spec import sources as spec_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.plan.model import Plan
    from patternapp.render.capabilities import Capabilities
    from patternapp.render.scope import Object, Scope

KINDS = (
    ("v1", "ConfigMap"),
    ("v1", "PersistentVolumeClaim"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
    ("eventing.knative.dev/v1", "Broker"),
    # Whoever knows senders knows them before the first event.
    ("eventing.knative.dev/v1alpha1", "EventPolicy"),
    # Before what it binds: the address is put in when an object is admitted, and not by a second Revision.
    ("sources.knative.dev/v1", "SinkBinding"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("serving.knative.dev/v1", "Service"),
    ("serving.knative.dev/v1beta1", "DomainMapping"),
    ("sinks.knative.dev/v1alpha1", "JobSink"),
    # Whoever takes events comes before whoever sends them.
    ("eventing.knative.dev/v1", "Trigger"),
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("sources.knative.dev/v1", "PingSource"),
    ("sources.knative.dev/v1alpha1", "IntegrationSource"),
    ("sources.knative.dev/v1", "KafkaSource"),
    ("sources.knative.dev/v1beta1", "KafkaSource"),
    ("ceph.rook.io/v1", "CephBucketTopic"),
    ("ceph.rook.io/v1", "CephBucketNotification"),
)
"""Every kind of object, in the order of application."""
BOUND = (
    ((scopes.SERVING, "Service"), (scopes.SERVING, "Service")),
    ((scopes.APPS, "Deployment"), (scopes.APPS, "Deployment")),
    ((scopes.SINKS, "JobSink"), (scopes.BATCH, "Job")),
)
"""What an app is made of, and the kind that gets the Broker's address for it."""
NO_IMAGE = "a cluster runs images, and the function {name} has none; set it here, or spec.image for all functions"
SAME_NAME = "two entries would both become the {} {}; rename one of them"
_PLACE = {kind: place for place, kind in enumerate(KINDS)}


def render(plan: Plan, capabilities: Capabilities = caps.DEFAULT) -> tuple[Object, ...]:
    """The objects of an app.

    Raises:
        errors.SpecError: a function has no image, as `dev` needs none and a cluster does; or two objects would have
            one name.
    """
    _require_images(plan)
    scope = scopes.Scope(plan, capabilities, {node.key: node for node in plan.nodes})
    objects = (*_shared(scope), *_functions(scope), *_sources(scope), *_edges(scope))
    made = {(item["apiVersion"], item["kind"]) for item in objects}
    bound = (*objects, *(eventing.sink_binding(scope, *kind) for own, kind in BOUND if own in made))
    guarded = (*bound, *network.policies(scope, bound), *policies.policies(scope, bound))
    _require_own_names(guarded)
    return tuple(sorted(guarded, key=lambda item: _PLACE[item["apiVersion"], item["kind"]]))


def _require_images(plan: Plan) -> None:
    problems = tuple(
        errors.Problem("", 0, f"spec.functions[{number}].image", "MissingImage", NO_IMAGE.format(name=function.name))
        for number, function in enumerate(plan.nodes_of(Function))
        if function.image is None
    )
    if problems:
        raise errors.SpecError(problems)


def _require_own_names(objects: tuple[Object, ...]) -> None:
    """Two names that are cut end in different hashes, unless somebody looked for names of which they do not."""
    seen: set[tuple[str, str, str]] = set()
    for item in objects:
        identity = (item["apiVersion"], item["kind"], item["metadata"]["name"])
        if identity in seen:
            raise errors.SpecError((errors.Problem("", 0, "spec", "SameName", SAME_NAME.format(*identity[1:])),))
        seen.add(identity)


def _shared(scope: Scope) -> Iterator[Object]:
    """The Broker and our own services."""
    for broker in scope.plan.nodes_of(Broker):
        yield eventing.broker(scope, broker)
    yield from core.dead_letters(scope) if None in _dead_letters(scope) else ()
    for receiver in receivers.receivers(scope):
        yield core.config_map(scope, names.own(scope.app, receiver.role), receiver.role, receiver.config)
        yield knative.receiver(scope, receiver)
    for gateway in scope.plan.nodes_of(Gateway):
        if gateway.host is not None:
            yield knative.domain_mapping(scope, gateway.host)


def _functions(scope: Scope) -> Iterator[Object]:
    """A Knative Service for every function, save those that only workers or Jobs run."""
    inside = {edge.head for _, edge in _workers(scope)} | {edge.head for _, edge in _jobs(scope)}
    called = _called(scope)
    for function in scope.plan.nodes_of(Function):
        if function.key in called or function.key not in inside:
            yield knative.function(scope, function)


def _called(scope: Scope) -> set[str | None]:
    """What is called over HTTP: by a Trigger, a KafkaSource or the gateway, or with dead letters."""
    inside = {edge.key for _, edge in _workers(scope)} | {edge.key for _, edge in _jobs(scope)}
    heads = {edge.head for edge in _delivering(scope) if edge.key not in inside}
    routes = {route.head for route in scope.plan.edges_of(Route)}
    return heads | routes | _dead_letters(scope)


def _sources(scope: Scope) -> Iterator[Object]:
    for node in scope.plan.nodes_of(Source):
        match node.origin:
            case spec_sources.Bucket(aws=spec_sources.AwsBucket() as bucket):
                yield eventing.sqs_source(scope, node, bucket)
            case spec_sources.Bucket(ceph=spec_sources.CephBucket()):
                yield from ceph.notification(scope, node, node.origin)
            case spec_sources.Database():
                yield from core.outbox(scope, node, node.origin)
            case _:
                # Webhooks and other stores call our own services.
                pass
    for schedule in scope.plan.nodes_of(Schedule):
        yield eventing.ping_source(scope, schedule)


def _edges(scope: Scope) -> Iterator[Object]:
    for trigger in scope.plan.edges_of(Trigger):
        yield eventing.trigger(scope, trigger)
    for schedule, edge in _jobs(scope):
        yield jobs.sink(scope, schedule, edge)
    for node, consume in _workers(scope):
        yield from core.worker(scope, node, consume)
        yield keda.scaled_object(scope, node, consume)
        authentication = keda.authentication(scope, node)
        yield from () if authentication is None else (authentication,)
    for consume in scope.plan.edges_of(Consume):
        if isinstance(stream := scope.nodes[consume.tail], Stream) and consume.batch_max is None:
            yield kafka.source(scope, stream, consume)


def _workers(scope: Scope) -> list[tuple[Queue | Stream, Consume]]:
    """Queues and micro-batched streams; a stream without batches is a KafkaSource."""
    return [
        (node, edge)
        for edge in scope.plan.edges_of(Consume)
        if isinstance(node := scope.nodes[edge.tail], Queue)
        or (isinstance(node, Stream) and edge.batch_max is not None)
    ]


def _jobs(scope: Scope) -> list[tuple[Schedule, Trigger]]:
    return [
        (node, edge)
        for edge in scope.plan.edges_of(Trigger)
        if isinstance(node := scope.nodes.get(edge.key), Schedule) and node.job
    ]


def _delivering(scope: Scope) -> tuple[Trigger | Consume, ...]:
    return (*scope.plan.edges_of(Trigger), *scope.plan.edges_of(Consume))


def _dead_letters(scope: Scope) -> set[str | None]:
    """Where dead letters of the app end; None stands for its own store."""
    brokers = {broker.dead_letter for broker in scope.plan.nodes_of(Broker)}
    return brokers | {edge.dead_letter for edge in _delivering(scope)}
