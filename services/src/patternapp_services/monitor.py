"""Health and metrics of one of our services, beside what it serves: ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import prometheus_client

from patternapp.http import server
from patternapp_services import wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from patternapp_services.program import Setting

    App = Callable[[wire.Scope, wire.Receive, wire.Send], Awaitable[None]]

GRACE = 20
"""Seconds that requests in flight get at the end."""


class Monitored:
    """An ASGI app that answers these three paths, and leaves the others to the app behind it.

    Args:
        app: What serves all other paths; None where there is nothing else.
        registry: The metrics.
        alive: Why it should be restarted; empty where it should not.
        ready: Why it should get no requests; empty where it should.
    """

    def __init__(
        self,
        app: App | None,
        *,
        registry: prometheus_client.CollectorRegistry,
        alive: Callable[[], str] = str,
        ready: Callable[[], str] = str,
    ) -> None:
        self._app = app
        self._registry = registry
        self._looks = {"/healthz": alive, "/readyz": ready}

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path in self._looks:
            trouble = self._looks[path]()
            await wire.respond_json(send, 503 if trouble else 200, {"status": trouble or "ok"})
        elif scope["type"] == "http" and path == "/metrics":
            body = prometheus_client.generate_latest(self._registry)
            headers = [(b"content-type", prometheus_client.CONTENT_TYPE_LATEST.encode())]
            await wire.respond(send, 200, body=body, headers=headers)
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await wire.problem(send, 404, f"There is nothing at {path}.")
        else:
            await wire.decline(scope, receive, send)


async def serve(app: App, setting: Setting) -> None:
    """Serve an app that strangers call until it is told to stop; health and metrics have a port of their own."""
    registry = prometheus_client.CollectorRegistry()
    looks = Monitored(None, registry=registry, ready=lambda: "it is stopping" if setting.stopping.is_set() else "")
    async with contextlib.AsyncExitStack() as stack:
        for one, port in ((looks, setting.monitor_port), (app, setting.port)):
            listening = stack.enter_context(server.listen(setting.host, port))
            await stack.enter_async_context(server.serving(one, listening, grace=lambda: GRACE, limits=setting.limits))
        await setting.stopping.wait()
