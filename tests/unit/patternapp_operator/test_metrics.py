from __future__ import annotations

import pytest
from prometheus_client import parser

from patternapp_operator import metrics


def series(registry: metrics.Metrics) -> dict[tuple[str, ...], float]:
    """Every series by its name and the values of its labels."""
    text = registry.exposed("")[0].decode()
    families = parser.text_string_to_metric_families(text)
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_happens_is_counted_by_its_labels() -> None:
    registry = metrics.Metrics()

    registry.requests.labels("PATCH", "201").inc()
    registry.requests.labels("PATCH", "201").inc()
    registry.requests.labels("GET", metrics.NO_ANSWER).inc()

    found = series(registry)
    assert found["rest_client_requests_total", "201", "PATCH"] == 2
    assert found["rest_client_requests_total", "<error>", "GET"] == 1


def test_times_fall_into_buckets() -> None:
    registry = metrics.Metrics()

    for seconds in (0.002, 0.3, 60.0):
        registry.reconcile_seconds.observe(seconds)

    found = series(registry)
    assert found["patternapp_reconcile_seconds_bucket", "0.005"] == 1
    assert found["patternapp_reconcile_seconds_bucket", "0.5"] == 2
    assert found["patternapp_reconcile_seconds_bucket", "+Inf"] == 3
    assert found["patternapp_reconcile_seconds_count",] == 3


def test_a_gauge_is_read_when_the_metrics_are() -> None:
    registry, apps = metrics.Metrics(), [1, 2]
    registry.gauge("workqueue_depth", "Apps that wait.", read=apps.__len__, name="patternapp")

    apps.append(3)

    assert series(registry)["workqueue_depth", "patternapp"] == 3


@pytest.mark.parametrize("result", metrics.RESULTS)
def test_known_series_begin_at_zero(result: str) -> None:
    assert series(metrics.Metrics())["patternapp_reconciles_total", result] == 0


def test_no_series_tells_when_another_was_made() -> None:
    assert not [name for name, *_ in series(metrics.Metrics()) if name.endswith("_created")]


def test_two_replicas_in_a_process_count_apart() -> None:
    one, other = metrics.Metrics(), metrics.Metrics()

    one.findings.inc()

    assert series(other)["patternapp_audit_findings_total",] == 0


def test_whoever_asks_for_openmetrics_gets_it() -> None:
    body, content_type = metrics.Metrics().exposed("application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
