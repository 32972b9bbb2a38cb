from __future__ import annotations

from patternapp_operator import metrics


def test_metrics_are_prometheus_text() -> None:
    registry = metrics.Metrics()
    registry.count("patternapp_reconciles_total", {"result": "ok"})
    registry.count("patternapp_reconciles_total", {"result": "ok"})
    registry.gauge("patternapp_apps", lambda: 7)
    for seconds in (0.002, 0.3, 60.0):
        registry.observe("patternapp_reconcile_seconds", seconds)

    lines = registry.text().splitlines()

    assert "# TYPE patternapp_reconciles_total counter" in lines
    assert 'patternapp_reconciles_total{result="ok"} 2' in lines
    assert "patternapp_apps 7" in lines
    assert 'patternapp_reconcile_seconds_bucket{le="0.005"} 1' in lines
    assert 'patternapp_reconcile_seconds_bucket{le="0.5"} 2' in lines
    assert 'patternapp_reconcile_seconds_bucket{le="+Inf"} 3' in lines
    assert "patternapp_reconcile_seconds_count 3" in lines
