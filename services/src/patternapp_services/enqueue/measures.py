"""What the endpoint tells Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import prometheus_client

if TYPE_CHECKING:
    import contextlib


class Measures:
    """Counts by path and status, and how long an answer took."""

    def __init__(self, registry: prometheus_client.CollectorRegistry) -> None:
        self._requests = prometheus_client.Counter(
            "patternapp_enqueue_requests",
            "Requests answered, by the path of the queue or stream and the status.",
            ("path", "status"),
            registry=registry,
        )
        self._seconds = prometheus_client.Histogram(
            "patternapp_enqueue_seconds",
            "Seconds from a request to the broker's acknowledgement.",
            ("path",),
            registry=registry,
        )

        self._waiting = prometheus_client.Gauge(
            "patternapp_enqueue_waiting", "Requests that wait for the broker's acknowledgement.", registry=registry
        )

    def waiting(self) -> contextlib.AbstractContextManager[object]:
        """While a request waits for its acknowledgement."""
        return self._waiting.track_inprogress()

    def answered(self, path: str, status: int, *, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(path, str(status)).inc()
        if status == 202:
            self._seconds.labels(path).observe(seconds)
