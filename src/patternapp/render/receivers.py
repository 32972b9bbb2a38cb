"""Our own services that an app needs, each with the configuration it reads. One of a kind serves the whole app.

A configuration is JSON in camelCase with the words of the resource; durations are as the user wrote them, addresses are
`Scope.address`'s, and a Secret is named, never read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from patternapp.plan.model import Consume, Function, Gateway, Queue, Route, Source, Stream, Trigger
from patternapp.render import knative, logins, names
from patternapp.render import scope as scopes
from patternapp.spec import sources as spec_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.render.scope import Object, Scope
    from patternapp.spec import gateway as spec_gateway


def receivers(scope: Scope) -> tuple[knative.Receiver, ...]:
    """The services that this app needs, those the public may call first."""
    return tuple(
        receiver
        for receiver in (_gateway(scope), _webhooks(scope), _bucket_events(scope), _enqueue(scope))
        if receiver is not None
    )


def _gateway(scope: Scope) -> knative.Receiver | None:
    gateways = scope.plan.nodes_of(Gateway)
    if not gateways:
        return None
    (gateway,) = gateways
    config: Object = {"app": scope.app} | ({} if gateway.host is None else {"host": gateway.host})
    if gateway.cors is not None:
        config["cors"] = scopes.dumped(gateway.cors)
    routes = scope.plan.edges_of(Route)
    config["routes"] = [_route(scope, route) for route in routes]
    secrets = tuple(secret for route in routes for secret in _key_secrets(route.auth))
    # The gateway waits for its functions, so it has as long as the slowest of them.
    slowest = max(
        (node.timeout for route in routes if isinstance(node := scope.nodes[route.head], Function)), default=0
    )
    timeout = max(math.ceil(slowest), knative.TIMEOUT)
    return knative.Receiver(role=names.GATEWAY, config=config, secrets=secrets, public=True, timeout=timeout)


def _route(scope: Scope, route: Route) -> Object:
    entry: Object = {
        "name": route.name,
        "path": route.path,
        "methods": list(route.methods),
        "target": scope.address(route.head),
    }
    if isinstance(node := scope.nodes[route.head], Function):
        entry["timeoutSeconds"] = node.timeout
    rules = {"publish": route.publish, "throttle": route.throttle, "cache": route.cache, "auth": route.auth}
    return entry | {name: scopes.dumped(rule) for name, rule in rules.items() if rule is not None}


def _key_secrets(auth: spec_gateway.Auth | None) -> tuple[str, ...]:
    return () if auth is None or auth.api_keys is None else (auth.api_keys.secret_name,)


def _webhooks(scope: Scope) -> knative.Receiver | None:
    hooks = [
        (source, source.origin)
        for source in scope.plan.nodes_of(Source)
        if isinstance(source.origin, spec_sources.Webhook)
    ]
    if not hooks:
        return None
    config = {"webhooks": [scopes.dumped(hook) | _marked(source) for source, hook in hooks]}
    secrets = tuple(secret for _, hook in hooks for secret in _verify_secrets(hook))
    return knative.Receiver(role=names.WEBHOOKS, config=config, secrets=secrets, public=True)


def _verify_secrets(hook: spec_sources.Webhook) -> Iterator[str]:
    if hook.verify is not None:
        for secret in (hook.verify.standard_webhooks, hook.verify.github, hook.verify.bearer):
            if secret is not None:
                yield secret.secret_name


def _bucket_events(scope: Scope) -> knative.Receiver | None:
    """Amazon's buckets have their own way; all other stores call this service, under ``/source/<name>``."""
    buckets = [
        {"path": f"/{source.key}"} | scopes.dumped(bucket) | _marked(source)
        for source in scope.plan.nodes_of(Source)
        if isinstance(bucket := source.origin, spec_sources.Bucket) and bucket.aws is None
    ]
    return knative.Receiver(role=names.BUCKET_EVENTS, config={"buckets": buckets}) if buckets else None


def _enqueue(scope: Scope) -> knative.Receiver | None:
    """Appends events to queues, and to streams that the Broker fills; each under its node's key as the path."""
    filled = [scope.nodes[edge.head] for edge in scope.plan.edges_of(Trigger)]
    logs = [node for node in filled if isinstance(node, Queue | Stream)]
    if not logs:
        return None
    config = {"logs": [{"path": f"/{node.key}"} | log(scope, node) for node in logs]}
    secrets = tuple(secret for node in logs for secret in log_secrets(node))
    return knative.Receiver(role=names.ENQUEUE, config=config, secrets=secrets)


def log(scope: Scope, node: Queue | Stream) -> Object:
    """Where a queue's or a stream's events are."""
    if node.kafka is not None:
        login = logins.login(node.kafka)
        return {"kafka": scopes.dumped(node.kafka) | ({} if login is None else login.described())}
    chosen = None if node.rabbitmq is None else node.rabbitmq.queue
    named: Object = {"queue": names.rabbitmq_queue(scope.app, node.name, chosen)}
    if any(edge.ordered for edge in scope.plan.edges_of(Consume) if edge.tail == node.key):
        # Who makes the queue and who reads it must know alike: such a queue gives to one consumer at a time.
        named["ordered"] = True
    return {"rabbitmq": ({} if node.rabbitmq is None else scopes.dumped(node.rabbitmq)) | named}


def log_secrets(node: Queue | Stream) -> tuple[str, ...]:
    """The Secret that opens it, if it names one."""
    broker = node.kafka if isinstance(node, Stream) else node.kafka or node.rabbitmq
    secret = None if broker is None else broker.secret_name
    return () if secret is None else (secret,)


def _marked(source: Source) -> Object:
    return {"marker": source.marker}
