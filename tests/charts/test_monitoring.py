"""What Prometheus and Grafana get, by what the cluster has; every query is about a metric that there is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml
from charts import helm as helms

from patternapp_operator import metrics, program, settings, tracing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubernetes.aio import client

VALUES = {"ServiceMonitor": "serviceMonitor", "PodMonitor": "podMonitor", "PrometheusRule": "rules"}
WITHOUT_PROMETHEUS = pytest.mark.parametrize(("kind", "value"), VALUES.items())


def on(value: str, mode: str = "skipIfMissing") -> tuple[str, str]:
    return "--set", f"metrics.{value}.enabled=true,metrics.{value}.renderMode={mode}"


@WITHOUT_PROMETHEUS
def test_what_the_cluster_has_no_kind_for_is_left_out(helm: helms.Helm, kind: str, value: str) -> None:
    assert helms.only(helm.template(*on(value)), kind) == []
    assert len(helms.only(helm.template(*on(value), *helms.serving(kind)), kind)) == 1


@WITHOUT_PROMETHEUS
def test_what_must_not_be_left_out_fails_with_a_mend(helm: helms.Helm, kind: str, value: str) -> None:
    refused = helm.refused(*on(value, "failIfMissing"))

    assert f"the cluster has no monitoring.coreos.com/v1/{kind}: install the Prometheus operator first" in refused
    assert len(helms.only(helm.template(*on(value, "failIfMissing"), *helms.serving(kind)), kind)) == 1


@WITHOUT_PROMETHEUS
def test_what_is_always_wanted_is_made_though_the_cluster_is_not_asked(helm: helms.Helm, kind: str, value: str) -> None:
    assert len(helms.only(helm.template(*on(value, "alwaysRender")), kind)) == 1


@WITHOUT_PROMETHEUS
def test_what_is_off_is_not_there(helm: helms.Helm, kind: str, value: str) -> None:
    off = ("--set", f"metrics.{value}.renderMode=failIfMissing")

    assert helms.only(helm.template(*off, *helms.serving(*VALUES)), kind) == []


def test_a_service_monitor_without_its_service_fails_with_a_mend(helm: helms.Helm) -> None:
    refused = helm.refused(*on("serviceMonitor", "alwaysRender"), "--set", "metrics.service.enabled=false")

    assert "metrics.serviceMonitor.enabled needs metrics.service.enabled" in refused


def test_monitors_read_the_port_that_is_there(helm: helms.Helm) -> None:
    items = helm.template("--values", helms.CHART / "ci" / "monitoring-values.yaml")
    (by_service,), (by_pod,) = helms.only(items, "ServiceMonitor"), helms.only(items, "PodMonitor")
    (service,) = helms.only(items, "Service")

    ports = helms.container(items)["ports"]
    assert [port["name"] for port in service["spec"]["ports"]] == [
        one["port"] for one in by_service["spec"]["endpoints"]
    ]
    assert [port["name"] for port in ports] == [one["port"] for one in by_pod["spec"]["podMetricsEndpoints"]]
    assert service["spec"]["ports"][0]["targetPort"] == ports[0]["name"]
    assert by_service["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert (by_service["metadata"]["labels"]["release"], by_service["spec"]["endpoints"][0]["interval"]) == (
        "prometheus",
        "1m",
    )


class Nowhere:
    """A connection that is never used."""


@pytest.fixture
def exposed() -> dict[str, set[str]]:
    """Every metric of a replica and its labels."""
    nowhere: client.ApiClient = Nowhere()  # type: ignore[assignment]  # nothing is sent
    replica = program.Replica(settings.Settings(identity="one"), nowhere, tracing.OFF)
    replica.metrics.requests.labels("GET", "200")
    replica.metrics.request_seconds.labels("GET")
    text = replica.metrics.exposed("")[0].decode()
    found: dict[str, set[str]] = {}
    for line in filter(lambda line: not line.startswith("#"), text.splitlines()):
        name, _, labels = line.rpartition(" ")[0].partition("{")
        found.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    return found


def asked(query: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics of a query, each with the labels that it is chosen by."""
    for name, labels in re.findall(r"([a-z_]+)\{([^}]*)\}", query):
        yield name, set(re.findall(r"(\w+)=", labels))


TARGET = {"namespace", "pod"}
"""The labels that Prometheus gives to all that it reads from a Pod."""


def test_alerts_are_about_metrics_that_there_are(helm: helms.Helm, exposed: dict[str, set[str]]) -> None:
    items = helm.template("--values", helms.CHART / "ci" / "monitoring-values.yaml")
    (rule,) = helms.only(items, "PrometheusRule")
    alerts = rule["spec"]["groups"][0]["rules"]

    told = [one for alert in alerts for one in asked(alert["expr"])]
    assert all(labels <= exposed[name] | TARGET for name, labels in told)
    assert len(alerts) == 4 <= len(told)
    assert all("$" not in alert["expr"] and 'namespace="patternapp-system"' in alert["expr"] for alert in alerts)
    assert {alert["labels"]["team"] for alert in alerts} == {"platform"}
    assert {alert["labels"]["severity"] for alert in alerts} == {"critical", "warning"}
    words = re.findall(r'result="(\w+)"', yaml.safe_dump(alerts))
    assert set(words) <= set(metrics.RESULTS)


def test_alerts_are_about_the_pods_of_their_release(helm: helms.Helm) -> None:
    items = helm.template(*on("rules", "alwaysRender"), release="other", namespace="tools")
    (rule,) = helms.only(items, "PrometheusRule")
    (deployment,) = helms.only(items, "Deployment")

    for alert in rule["spec"]["groups"][0]["rules"]:
        assert f'namespace="tools",pod=~"{deployment["metadata"]["name"]}-.*"' in alert["expr"]


def test_the_dashboard_is_about_metrics_that_there_are(helm: helms.Helm, exposed: dict[str, set[str]]) -> None:
    items = helm.template("--set", "metrics.dashboard.enabled=true")
    (config,) = helms.only(items, "ConfigMap")
    dashboard = json.loads(config["data"]["patternapp-operator.json"])

    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    told = [one for query in queries for one in asked(query)]
    assert len(told) == len(queries) > 12
    assert all(labels <= exposed[name] | TARGET for name, labels in told)
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)
