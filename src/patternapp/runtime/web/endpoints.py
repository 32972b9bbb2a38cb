"""The services as `dev` mounts them: from the plan's nodes and edges to the apps in `patternapp_services`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from patternapp import durations
from patternapp.plan import model
from patternapp.runtime.functions.pool import FunctionUnavailable
from patternapp.runtime.sources import buckets
from patternapp.runtime.sources.buckets import BucketWatcher
from patternapp.spec import sources
from patternapp_services import bucket, gateway, gateway_cors, proxy, webhook, wire

if TYPE_CHECKING:
    import aiohttp

    from patternapp.runtime.datafolder import DataFolder
    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.functions.pool import FunctionPool
    from patternapp.spec import gateway as spec_gateway


class Upstream:
    """Calls functions over HTTP through the pool: what the gateway forwards requests to."""

    def __init__(self, plan: model.Plan, *, pool: FunctionPool, session: aiohttp.ClientSession) -> None:
        self._timeouts = {function.name: function.timeout for function in plan.nodes_of(model.Function)}
        self._pool = pool
        self._session = session

    async def __call__(self, function: str, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        """Forward one request to an instance of the function; 503 where none can start."""
        try:
            async with self._pool.instance(function) as url:
                await proxy.forward(self._session, url, scope, receive, send, timeout=self._timeouts[function])
        except FunctionUnavailable as error:
            await wire.unavailable(send, str(error))


def mount_gateway(plan: model.Plan, engine: Engine, upstream: Upstream) -> gateway.Gateway | None:
    """The app's gateway; None where it declares none."""
    declared = plan.nodes_of(model.Gateway)
    if not declared:
        return None
    rules = gateway.Rules(
        app=plan.app,
        routes=tuple(_route(edge) for edge in plan.edges_of(model.Route)),
        cors=None if declared[0].cors is None else _cors(declared[0].cors),
    )
    publish = partial(engine.broker.publish, origin="gateway")
    return gateway.Gateway(rules, upstream=upstream, publish=publish, now=engine.clock.now)


def _route(edge: model.Route) -> gateway.Route:
    return gateway.Route(
        name=edge.name,
        path=edge.path,
        methods=edge.methods,
        function=edge.head.removeprefix("function/") if edge.publish is None else None,
        publish_type=None if edge.publish is None else edge.publish.type,
        publish_source=None if edge.publish is None else edge.publish.source,
    )


def _cors(cors: spec_gateway.Cors) -> gateway_cors.Cors:
    return gateway_cors.Cors(
        origins=cors.origins,
        headers=cors.headers,
        credentials=cors.credentials,
        max_age=durations.seconds(cors.max_age),
    )


def mount_webhooks(plan: model.Plan, engine: Engine, folder: DataFolder) -> webhook.Webhook:
    """Every webhook of the app; their Secrets are read from the data folder."""
    endpoints = [
        _endpoint(source, source.origin)
        for source in plan.nodes_of(model.Source)
        if isinstance(source.origin, sources.Webhook)
    ]
    return webhook.Webhook(
        endpoints,
        publish=partial(engine.broker.publish, origin="webhook"),
        secret=webhook.mounted_secrets(folder.secrets),
        now=engine.clock.now,
    )


def _endpoint(source: model.Source, origin: sources.Webhook) -> webhook.Endpoint:
    scheme: webhook.Scheme | None = None
    secret: str | None = None
    if origin.verify is not None:
        schemes: tuple[tuple[webhook.Scheme, sources.SecretName | None], ...] = (
            ("standardWebhooks", origin.verify.standard_webhooks),
            ("github", origin.verify.github),
            ("bearer", origin.verify.bearer),
        )
        scheme, secret = next((scheme, given.secret_name) for scheme, given in schemes if given is not None)
    return webhook.Endpoint(
        name=source.name,
        path=origin.path,
        marker=source.marker,
        type=origin.type or webhook.DEFAULT_TYPE,
        scheme=scheme,
        secret=secret,
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
