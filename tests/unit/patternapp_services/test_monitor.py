"""Health and metrics beside what a service serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import prometheus_client
import pytest

from patternapp_services import monitor, wire

if TYPE_CHECKING:
    from collections.abc import Callable


async def behind(scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
    _ = scope, receive
    await wire.respond(send, 202)


@pytest.mark.parametrize(
    ("path", "trouble", "status"), [("/healthz", "", 200), ("/healthz", "stuck", 503), ("/readyz", "stopping", 503)]
)
async def test_health_says_what_is_the_matter(call: Callable[..., Any], path: str, trouble: str, status: int) -> None:
    registry = prometheus_client.CollectorRegistry()
    app = monitor.Monitored(behind, registry=registry, alive=lambda: trouble, ready=lambda: trouble)

    answer = await call(app, "GET", path)

    assert answer.status == status
    assert (trouble or "ok").encode() in answer.body


async def test_metrics_are_those_of_the_registry(call: Callable[..., Any]) -> None:
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.Counter("seen", "Seen.", registry=registry).inc()

    answer = await call(monitor.Monitored(None, registry=registry), "GET", "/metrics")

    assert b"seen_total 1.0" in answer.body


async def test_every_other_path_is_the_app_s(call: Callable[..., Any]) -> None:
    registry = prometheus_client.CollectorRegistry()

    assert (await call(monitor.Monitored(behind, registry=registry), "POST", "/queue/a")).status == 202
    assert (await call(monitor.Monitored(None, registry=registry), "POST", "/queue/a")).status == 404
