from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import loopback
import otlp
import pytest
from kubernetes.aio import client

from patternapp import errors
from patternapp.cluster import failures, resources
from patternapp_operator import cluster, metrics, tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APP = resources.AppKey("shop-ns", "shop")
KIND = resources.ApiKind("eventing.knative.dev/v1", "Trigger")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Api:
    """Answers every request with one status and keeps its headers."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.headers: list[dict[bytes, bytes]] = []

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] == "http":
            await receive()
            self.headers.append(dict(scope["headers"]))
            await send({"type": "http.response.start", "status": self.status, "headers": []})
            await send({"type": "http.response.body", "body": json.dumps({"message": "hunter2 is wrong"}).encode()})


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[otlp.Collector]:
    with otlp.collecting() as one:
        monkeypatch.setenv(ENDPOINT, one.url)
        yield one


async def traced(api: Api, traces: tracing.Tracing, *, run: bool = True) -> None:
    """One read by a run over an app, or by nobody's run; all its spans are sent afterwards."""
    async with loopback.served(api) as url, client.ApiClient(client.Configuration(host=url)) as connection:
        asked = cluster.Cluster(connection, metrics.Metrics(), tracing=traces)
        try:
            if run:
                with traces.run(APP):
                    await asked.get(KIND, "shop-ns", "paid")
            else:
                await asked.get(KIND, "shop-ns", "paid")
        finally:
            await asyncio.to_thread(traces.close)


async def test_a_run_and_the_requests_of_it_are_one_trace(collector: otlp.Collector) -> None:
    await traced(Api(), tracing.begin({ENDPOINT: collector.url}, "replica-1"))

    [run] = collector.named("reconcile")
    [request] = collector.below(run)
    assert request.name == "GET triggers"
    assert request.trace == run.trace


async def test_spans_say_what_they_are_about(collector: otlp.Collector) -> None:
    await traced(Api(), tracing.begin({ENDPOINT: collector.url}, "replica-1"))

    [run], [request] = collector.named("reconcile"), collector.named("GET triggers")
    assert run.attributes == {"k8s.namespace.name": "shop-ns", "patternapp.app": "shop"}
    assert request.attributes == {
        "http.request.method": "GET",
        "url.path": "/apis/eventing.knative.dev/v1/namespaces/shop-ns/triggers/paid",
        "http.response.status_code": 200,
    }
    assert run.resource["service.name"] == "patternapp-operator"
    assert run.resource["service.instance.id"] == "replica-1"


async def test_the_environment_names_the_replicas_service(
    collector: otlp.Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "the-operator-of-staging")

    await traced(Api(), tracing.begin({ENDPOINT: collector.url}, "replica-1"))

    assert collector.spans[0].resource["service.name"] == "the-operator-of-staging"


async def test_the_server_gets_the_context_of_the_request(collector: otlp.Collector) -> None:
    api = Api()

    await traced(api, tracing.begin({ENDPOINT: collector.url}, "replica-1"))

    [request] = collector.named("GET triggers")
    version, trace, parent, _ = api.headers[0][b"traceparent"].decode().split("-")
    assert (version, trace, parent) == ("00", request.trace, request.identity)


async def test_a_failure_is_seen_and_what_the_server_said_is_not_told(collector: otlp.Collector) -> None:
    with pytest.raises(failures.Invalid):
        await traced(Api(422), tracing.begin({ENDPOINT: collector.url}, "replica-1"))

    [run] = collector.named("reconcile")
    assert run.failed
    assert run.attributes["error.type"] == "Invalid"
    assert "hunter2" not in repr(collector.spans)


async def test_requests_of_no_run_are_no_traces(collector: otlp.Collector) -> None:
    await traced(Api(), tracing.begin({ENDPOINT: collector.url}, "replica-1"), run=False)

    assert collector.spans == []


def test_a_trace_has_its_name_only_while_it_goes_on(collector: otlp.Collector) -> None:
    traces = tracing.begin({ENDPOINT: collector.url}, "replica-1")

    with traces.run(APP):
        inside = traces.trace_id()
    traces.close()

    assert inside == collector.spans[0].trace
    assert traces.trace_id() == ""


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", ENDPOINT: "http://127.0.0.1:1"},
        {"OTEL_SDK_DISABLED": "true", ENDPOINT: "http://127.0.0.1:1"},
        {"OTEL_SERVICE_NAME": "operator"},
    ],
)
def test_without_a_place_to_send_traces_to_there_are_none(environment: dict[str, str]) -> None:
    assert tracing.begin(environment, "replica-1") is tracing.OFF


async def test_no_trace_costs_the_server_no_header() -> None:
    api = Api()

    await traced(api, tracing.OFF)

    assert b"traceparent" not in api.headers[0]
    assert tracing.OFF.trace_id() == ""


def test_nothing_of_opentelemetry_is_imported_while_it_is_off() -> None:
    look = (
        "import sys; from patternapp_operator import program, tracing; tracing.begin({}, 'one');"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )

    answer = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "traces cannot be sent by 'zipkin'; set OTEL_TRACES_EXPORTER to otlp or none",
        ),
        ({ENDPOINT: "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "traces cannot be sent by grpc; set"),
    ],
)
def test_what_cannot_be_sent_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(errors.EnvironmentProblem, match=message):
        tracing.begin(environment, "replica-1")
