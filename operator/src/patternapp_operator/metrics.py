"""What a replica measures of itself, for Prometheus.

What holds here:

* What client-go measures too has client-go's name (`workqueue_depth`, `rest_client_*`, `leader_election_*`), so that
  dashboards and alerts for controllers fit; all else begins with ``patternapp_``.
* A label's value is one of few words of ours or an HTTP status, never a user's text. Series that are known beforehand
  begin at 0, so that a rate is right from the first time that something happens.
* Each replica has a registry of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import prometheus_client
from prometheus_client import exposition

if TYPE_CHECKING:
    from collections.abc import Callable

NO_ANSWER = "<error>"
"""The code of a request that got no answer, as client-go counts it."""
RESULTS = ("ok", "failed", "fenced", "bug")
"""How a reconciliation ends; a bug is one of ours, and its log has a traceback."""
ACTIONS = ("applied", "restored", "pruned")
"""What is done with objects; restored are those that somebody else had changed or deleted."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one replica.

    Attributes:
        requests: Requests to the API server by ``method`` and ``code``.
        request_seconds: How long they took, by ``verb``, which is the method.
        reconciles: Reconciliations by ``result``, one of `RESULTS`.
        reconcile_seconds: How long they took.
        objects: What was done with objects by ``action``, one of `ACTIONS`.
        findings: Objects that an audit found other than the watches had told.
    """

    def __init__(self) -> None:
        # Each series would have a second one for the time when it was made.
        library: Any = prometheus_client  # this function of it has no annotations
        library.disable_created_metrics()
        self._registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._registry)
        self.requests = self._counter("rest_client_requests", "Requests to the API server.", "method", "code")
        self.request_seconds = self._histogram(
            "rest_client_request_duration_seconds", "How long requests to the API server take.", "verb"
        )
        self.reconciles = self._counter("patternapp_reconciles", "Reconciliations of apps.", "result")
        self.reconcile_seconds = self._histogram("patternapp_reconcile_seconds", "How long a reconciliation takes.")
        self.objects = self._counter("patternapp_objects", "What was done with objects.", "action")
        self.findings = self._counter("patternapp_audit_findings", "Objects found other than the watches had told.")
        for result in RESULTS:
            self.reconciles.labels(result)
        for action in ACTIONS:
            self.objects.labels(action)

    def gauge(self, name: str, text: str, /, read: Callable[[], float], **labels: str) -> None:
        """Let a value be read whenever the metrics are."""
        gauge = prometheus_client.Gauge(name, text, tuple(labels), registry=self._registry)
        (gauge.labels(**labels) if labels else gauge).set_function(read)

    def exposed(self, accept: str) -> tuple[bytes, str]:
        """All metrics and their content type: OpenMetrics where an Accept header asks for it, else Prometheus text."""
        encode, content_type = exposition.choose_encoder(accept)
        return encode(self._registry), content_type

    def _counter(self, name: str, text: str, *labels: str) -> prometheus_client.Counter:
        return prometheus_client.Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str) -> prometheus_client.Histogram:
        return prometheus_client.Histogram(name, text, labels, registry=self._registry, buckets=_SECONDS)
