"""The role `gateway`: the app's gateway on a cluster, where functions are Services and proxies are in front."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from patternapp import sender
from patternapp.spec import base
from patternapp.spec import gateway as spec_gateway
from patternapp_services import broker, monitor, wire
from patternapp_services.gateway import admission, declared, proxy
from patternapp_services.gateway import app as gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import aiohttp

    from patternapp_services.addresses import Addresses
    from patternapp_services.program import Setting


class Route(base.Model):
    """A route, with `auth` resolved and its target as `addresses.Addresses.url` reads it."""

    name: str
    path: str
    methods: tuple[str, ...]
    target: dict[str, Any]
    timeout_seconds: float | None = None
    publish: spec_gateway.Publish | None = None
    throttle: spec_gateway.Throttle | None = None
    cache: spec_gateway.Cache | None = None
    auth: spec_gateway.Auth | None = None

    def rule(self, guards: declared.Guards) -> gateway.Route:
        """The route as the gateway has it; its function goes by the route's name."""
        return gateway.Route(
            name=self.name,
            path=self.path,
            methods=self.methods,
            function=self.name if self.publish is None else None,
            publish_type=None if self.publish is None else self.publish.type,
            publish_source=None if self.publish is None else self.publish.source,
            guard=guards.guard(self.auth, self.throttle),
            cache=declared.rule(self.name, self.cache),
        )


class Config(base.Model):
    """The gateway of one app."""

    app: str
    routes: tuple[Route, ...]
    host: str | None = None
    cors: spec_gateway.Cors | None = None


class Upstream:
    """Calls functions by their Services; where an instance comes from is the cluster's business."""

    def __init__(self, routes: Mapping[str, Route], addresses: Addresses, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._functions = {
            name: proxy.Function(
                name, route.timeout_seconds or DEFAULT_TIMEOUT, partial(_instance, addresses.url(route.target))
            )
            for name, route in routes.items()
            if route.publish is None
        }

    async def __call__(self, function: str, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        """Forward one request to the function of the route with this name."""
        await proxy.forward(self._session, self._functions[function], scope, receive, send)


DEFAULT_TIMEOUT = 300.0
"""Seconds that a function may take where its route does not say: what Knative gives a Service."""


@contextlib.asynccontextmanager
async def _instance(url: str) -> AsyncIterator[str]:
    yield url.rstrip("/")


async def run(setting: Setting) -> None:
    """Serve until `setting.stopping` is set."""
    config = Config.model_validate_json(setting.config)
    async with sender.Sender() as http, proxy.open_session() as session:
        guards = declared.Guards(secrets=setting.secrets.folder, session=lambda: session)
        rules = gateway.Rules(
            app=config.app,
            routes=tuple(route.rule(guards) for route in config.routes),
            cors=declared.pages(config.cors),
        )
        upstream = Upstream({route.name: route for route in config.routes}, setting.addresses, session)
        app = gateway.Gateway(rules, upstream=upstream, publish=_publish(config, setting, http), now=time.time)
        try:
            await monitor.serve(_Proxied(app), setting)
        finally:
            await app.close()


def _publish(config: Config, setting: Setting, http: sender.Sender) -> wire.Publish:
    """The Broker, whose address an app without publishing routes need not have."""
    if any(route.publish is not None for route in config.routes):
        return broker.Broker(setting.addresses, http)

    async def refuse(*_: object, **__: object) -> int:
        raise TypeError("no route publishes, and one just did")

    return refuse


class _Proxied:
    """The gateway behind the cluster's proxies: its callers are those who reached the cluster."""

    def __init__(self, app: gateway.Gateway) -> None:
        self._app = app

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        known = admission.behind_proxies(scope) if scope["type"] == "http" else scope
        await self._app(known, receive, send)
