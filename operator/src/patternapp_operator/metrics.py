"""Counters, gauges and histograms, written as Prometheus text.

What holds here: every metric is declared in `METRICS`; a label's value is never a user's text, so there are few series.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
Series = tuple[tuple[str, str], ...]


class Metric(NamedTuple):
    """One metric."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str


METRICS = {
    "patternapp_api_requests_total": Metric("counter", "Requests to the API server by method and code."),
    "patternapp_reconciles_total": Metric("counter", "Reconciliations by result."),
    "patternapp_reconcile_seconds": Metric("histogram", "How long a reconciliation takes."),
    "patternapp_objects_total": Metric("counter", "What was done with objects: applied, restored, settled, pruned."),
    "patternapp_audit_findings_total": Metric("counter", "Objects that an audit found other than the watches told."),
    "patternapp_queue_waiting": Metric("gauge", "Apps that wait to be reconciled."),
    "patternapp_queue_active": Metric("gauge", "Apps that are being reconciled."),
    "patternapp_queue_oldest_seconds": Metric("gauge", "How long the app that waits longest is overdue."),
    "patternapp_loop_lag_seconds": Metric("gauge", "How late the event loop woke last."),
    "patternapp_apps": Metric("gauge", "Apps that are known."),
    "patternapp_objects": Metric("gauge", "Objects that are known."),
    "patternapp_leader": Metric("gauge", "1 while this replica leads, 0 otherwise."),
}


@dataclass(slots=True)
class _Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self._counters: dict[str, dict[Series, int]] = {}
        self._histograms: dict[str, _Histogram] = {}
        self._gauges: dict[str, Callable[[], float]] = {}

    def count(self, name: str, labels: Mapping[str, str], amount: int = 1) -> None:
        """Add to a counter."""
        series = self._counters.setdefault(name, {})
        key = tuple(labels.items())
        series[key] = series.get(key, 0) + amount

    def observe(self, name: str, value: float) -> None:
        """Add a value to a histogram."""
        histogram = self._histograms.setdefault(name, _Histogram())
        place = next((place for place, bound in enumerate(BUCKETS) if value <= bound), len(BUCKETS))
        histogram.counts[place] += 1
        histogram.total += value

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Let a gauge be read whenever the metrics are."""
        self._gauges[name] = read

    def text(self) -> str:
        """All metrics in Prometheus' text format 0.0.4."""
        return "".join(f"{line}\n" for name, metric in METRICS.items() for line in self._lines(name, metric))

    def _lines(self, name: str, metric: Metric) -> Iterator[str]:
        yield f"# HELP {name} {metric.help}"
        yield f"# TYPE {name} {metric.kind}"
        for labels, value in self._counters.get(name, {}).items():
            shown = ",".join(f'{label}="{text}"' for label, text in labels)
            yield f"{name}{{{shown}}} {value}"
        if name in self._gauges:
            yield f"{name} {self._gauges[name]():g}"
        if name in self._histograms:
            yield from _histogram(name, self._histograms[name])


def _histogram(name: str, histogram: _Histogram) -> Iterator[str]:
    total = 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), histogram.counts, strict=True):
        total += count
        yield f'{name}_bucket{{le="{bound}"}} {total}'
    yield f"{name}_sum {histogram.total:g}"
    yield f"{name}_count {total}"
