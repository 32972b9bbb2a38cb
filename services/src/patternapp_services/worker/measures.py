"""What a worker tells Prometheus: the ledger, the lag of each partition, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import prometheus_client
from prometheus_client import core, registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from patternapp.consume.backlog import Tally

_PREFIX = "patternapp_worker"
_COUNTS = {
    "received": "Events that were taken from the log.",
    "delivered": "Events that the function did.",
    "dead_lettered": "Events that the dead-letter sink took.",
    "returned": "Events that were given back to the log, undone, with their partition or connection.",
    "retries": "Attempts that failed and were to be tried again.",
}


class Measures(registry.Collector):
    """Counts what happens, and reads the ledger when it is asked: ``received == delivered + dead_lettered + ...``."""

    def __init__(self, into: prometheus_client.CollectorRegistry) -> None:
        self._rejoins = prometheus_client.Counter(
            f"{_PREFIX}_rejoins", "Times that the client was made anew after an error.", registry=into
        )
        self._refused = prometheus_client.Counter(
            f"{_PREFIX}_commits_refused", "Commits that the broker refused.", registry=into
        )
        self._tally: Tally | None = None
        self._lags: Callable[[], Iterable[tuple[str, str, int]]] = tuple
        into.register(self)

    def watch(self, tally: Tally, lags: Callable[[], Iterable[tuple[str, str, int]]]) -> None:
        """What to read when asked: the ledger; and log, partition and lag."""
        self._tally, self._lags = tally, lags

    def rejoined(self) -> None:
        """The client is made anew."""
        self._rejoins.inc()

    def commit_refused(self) -> None:
        """A commit was refused."""
        self._refused.inc()

    def collect(self) -> Iterable[core.Metric]:
        if self._tally is None:
            return
        for name, meaning in _COUNTS.items():
            yield core.CounterMetricFamily(f"{_PREFIX}_events_{name}", meaning, value=getattr(self._tally, name))
        yield core.GaugeMetricFamily(f"{_PREFIX}_events_pending", "Events that are held.", value=self._tally.pending)
        lag = core.GaugeMetricFamily(
            f"{_PREFIX}_lag", "Events of a partition or a queue that wait.", labels=("log", "partition")
        )
        for log, partition, waiting in self._lags():
            lag.add_metric((log, partition), waiting)
        yield lag
