"""The services as `dev` mounts them: from the plan's nodes and edges to the apps in `patternapp_services`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from patternapp.plan import model
from patternapp.runtime.functions.pool import FunctionUnavailable
from patternapp.runtime.sources import buckets
from patternapp.runtime.sources.buckets import BucketWatcher
from patternapp.spec import sources
from patternapp_services import wire
from patternapp_services.buckets import app as bucket
from patternapp_services.gateway import app as gateway
from patternapp_services.gateway import declared, proxy
from patternapp_services.webhooks import app as webhook

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from patternapp.runtime.datafolder import DataFolder
    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.functions.pool import FunctionPool


class Upstream:
    """Calls functions over HTTP through the pool: what the gateway forwards requests to."""

    def __init__(self, plan: model.Plan, *, pool: FunctionPool, session: aiohttp.ClientSession) -> None:
        self._timeouts = {function.name: function.timeout for function in plan.nodes_of(model.Function)}
        self._pool = pool
        self.session = session

    async def __call__(self, function: str, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        """Forward one request to an instance of the function; 503 where none can start."""
        known = proxy.Function(function, self._timeouts[function], partial(self._pool.instance, function))
        try:
            await proxy.forward(self.session, known, scope, receive, send)
        except FunctionUnavailable as error:
            await wire.unavailable(send, str(error))


def mount_gateway(plan: model.Plan, engine: Engine, upstream: Upstream, *, secrets: Path) -> gateway.Gateway | None:
    """The app's gateway; None where it declares none. API keys are read below `secrets`."""
    nodes = plan.nodes_of(model.Gateway)
    if not nodes:
        return None
    guards = declared.Guards(secrets=secrets, session=lambda: upstream.session)
    rules = gateway.Rules(
        app=plan.app,
        routes=tuple(_route(edge, guards) for edge in plan.edges_of(model.Route)),
        cors=declared.pages(nodes[0].cors),
    )
    publish = partial(engine.broker.publish, origin="gateway")
    return gateway.Gateway(rules, upstream=upstream, publish=publish, now=engine.clock.now)


def _route(edge: model.Route, guards: declared.Guards) -> gateway.Route:
    return gateway.Route(
        name=edge.name,
        path=edge.path,
        methods=edge.methods,
        function=edge.head.removeprefix("function/") if edge.publish is None else None,
        publish_type=None if edge.publish is None else edge.publish.type,
        publish_source=None if edge.publish is None else edge.publish.source,
        guard=guards.guard(edge.auth, edge.throttle),
        cache=declared.rule(edge.name, edge.cache),
    )


def mount_webhooks(plan: model.Plan, engine: Engine, folder: DataFolder) -> webhook.Webhook:
    """Every webhook of the app; their Secrets are read from the data folder."""
    endpoints = [
        webhook.endpoint(source.origin, name=source.name, marker=source.marker)
        for source in plan.nodes_of(model.Source)
        if isinstance(source.origin, sources.Webhook)
    ]
    return webhook.Webhook(
        endpoints,
        publish=partial(engine.broker.publish, origin="webhook"),
        secret=webhook.mounted_secrets(folder.secrets),
        now=engine.clock.now,
    )


def mount_buckets(folder: DataFolder) -> bucket.Buckets:
    """The S3-like endpoint over the buckets of the data folder."""
    folder.buckets.mkdir(exist_ok=True)
    return bucket.Buckets(folder.buckets, prefix="/s3")


async def watch_buckets(plan: model.Plan, engine: Engine, folder: DataFolder) -> BucketWatcher:
    """The watcher over the buckets that the app's sources name."""

    async def remember(name: str, value: str | None) -> None:
        await engine.store.write(lambda writes: writes.bookmark(name, value))

    watcher = BucketWatcher(
        folder.buckets,
        plan.nodes_of(model.Source),
        publish=partial(engine.broker.publish, origin="bucket"),
        remember=remember,
        bookmarks=await engine.store.read(lambda reads: reads.bookmarks(buckets.BOOKMARK)),
        clock=engine.clock,
    )
    watcher.make_folders()
    return watcher
