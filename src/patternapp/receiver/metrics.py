"""What a function measures of itself, for Prometheus. Imported only where it is wanted.

What holds here: a label's value is one of few words of ours, an HTTP status, or a type of events that has a handler of
its own, never what a client wrote. Every function has a registry of its own.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import prometheus_client

from patternapp import errors
from patternapp.receiver import deadline, outcomes
from patternapp.receiver.idempotency import once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patternapp import batches
    from patternapp.cloudevents import Event
    from patternapp.receiver.readers import Wire
    from patternapp.receiver.steps import Step

OTHER = "other"
"""The type of events that no handler has by name."""
_OUTCOMES: tuple[tuple[type[Exception], str], ...] = (
    (once.Underway, "underway"),
    (once.Mismatch, "mismatch"),
    (outcomes.Reject, "rejected"),
    (outcomes.Retry, "retried"),
    (deadline.TimedOut, "timeout"),
    (Exception, "failed"),
)
"""What came of an event whose handling raised; the first that fits."""


class Metrics:
    """The metrics of one function."""

    def __init__(self) -> None:
        library: Any = prometheus_client  # this function of it has no annotations
        library.disable_created_metrics()
        self._registry = registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=registry)
        self.events = prometheus_client.Counter(
            "patternapp_events", "Events by what came of them.", ("type", "outcome"), registry=registry
        )
        self.repeated = prometheus_client.Counter(
            "patternapp_events_repeated", "Events that were answered as their first delivery.", registry=registry
        )
        self.seconds = prometheus_client.Histogram(
            "patternapp_handling_seconds", "How long requests with events take.", ("mode",), registry=registry
        )
        self.in_flight = prometheus_client.Gauge(
            "patternapp_requests_in_flight", "Requests with events that are being handled.", registry=registry
        )
        self.refused = prometheus_client.Counter(
            "patternapp_requests_refused", "Requests that no handler saw.", ("status",), registry=registry
        )

    def step(self, following: Step, known: frozenset[str]) -> Step:
        """A step that measures those behind it."""
        return _Measured(following, known, self)

    @contextlib.contextmanager
    def handling(self, mode: str) -> Iterator[None]:
        """Measure a request."""
        began = time.perf_counter()
        self.in_flight.inc()
        try:
            yield
        finally:
            self.in_flight.dec()
            self.seconds.labels(mode).observe(time.perf_counter() - began)

    @contextlib.contextmanager
    def served(self, host: str, port: int) -> Iterator[None]:
        """Answer ``GET /metrics`` on a port of its own while the block runs.

        Raises:
            EnvironmentProblem: The port cannot be listened on.
        """
        try:
            server, thread = prometheus_client.start_http_server(port, host, self._registry)
        except OSError as error:
            raise errors.EnvironmentProblem(
                f"metrics cannot be told on {host}:{port}: {error.strerror}; choose another --metrics-port"
            ) from error
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Measured:
    def __init__(self, following: Step, known: frozenset[str], metrics: Metrics) -> None:
        self._following = following
        self._known = known
        self._metrics = metrics

    async def deliver(self, event: Wire) -> Event[bytes | None] | None:
        with self._metrics.handling("event"):
            try:
                reply = await self._following.deliver(event)
            except Exception as error:
                self._count(event, next(word for kind, word in _OUTCOMES if isinstance(error, kind)))
                raise
            self._count(event, "done" if reply is None else "replied")
            return reply

    async def deliver_batch(self, events: Iterable[Wire]) -> tuple[batches.Failure, ...]:
        events = tuple(events)
        with self._metrics.handling("batch"):
            failed = await self._following.deliver_batch(events)
        outcome = {(one.source, one.id): "retried" if one.retry else "rejected" for one in failed}
        for event in events:
            named = (str(event.attributes["source"]), str(event.attributes["id"]))
            self._count(event, outcome.get(named, "done"))
        return failed

    def _count(self, event: Wire, outcome: str) -> None:
        kind = str(event.attributes["type"])
        self._metrics.events.labels(kind if kind in self._known else OTHER, outcome).inc()
