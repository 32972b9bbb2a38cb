"""What one replica tells of its work: traces, and the logs that belong to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import harness
import otlp
import pytest
from apiserver.operator.rig import APP, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from apiserver.operator.rig import Kubectl, Replica


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[otlp.Collector]:
    with otlp.collecting() as one:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", one.url)
        yield one


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in log.read_text().splitlines()]


def test_a_run_over_an_app_is_a_trace_with_its_requests(
    kubectl: Kubectl, collector: otlp.Collector, replicas: Callable[..., Replica]
) -> None:
    replica = replicas().start()
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    assert replica.end() == 0

    runs = [
        run for run in collector.named("reconcile") if run.attributes.get("k8s.namespace.name") == kubectl.namespace
    ]
    first = next(run for run in runs if run.attributes["patternapp.objects.applied"])
    assert first.attributes["patternapp.app"] == "shop"
    assert first.attributes["patternapp.result"] == "ok"
    assert first.attributes["patternapp.objects.applied"] == len(kubectl.wanted())
    requests = [request.name for request in collector.below(first)]
    assert requests[:2] == ["GET patternapps", "PATCH patternapps/status"]
    assert sum(name.startswith("PATCH") and not name.endswith("/status") for name in requests) == len(kubectl.wanted())


def test_a_line_about_an_app_names_it_and_the_trace_that_it_belongs_to(
    kubectl: Kubectl, collector: otlp.Collector, replicas: Callable[..., Replica]
) -> None:
    replica = replicas().start()
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    kubectl.apply(changed(eventDriven=APP["spec"]["eventDriven"][1:]))
    harness.eventually(kubectl.settled)
    assert replica.end() == 0

    [pruned] = [line for line in lines(replica.log) if line.get("reason") == "Pruned"]
    assert (pruned["namespace"], pruned["app"]) == (kubectl.namespace, "shop")
    assert pruned["object"] == "Trigger.eventing.knative.dev shop-event-driven-paid"
    assert pruned["trace_id"] in {run.trace for run in collector.named("reconcile")}


def test_nothing_that_an_author_wrote_is_in_logs_or_traces(
    kubectl: Kubectl, collector: otlp.Collector, replicas: Callable[..., Replica]
) -> None:
    replica = replicas("--log-level", "debug").start()
    kubectl.apply(changed(env=[{"name": "TOKEN", "value": "hunter2"}]))
    harness.eventually(kubectl.settled)
    assert replica.end() == 0

    assert "hunter2" not in replica.log.read_text()
    assert "hunter2" not in repr(collector.spans)
