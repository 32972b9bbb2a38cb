"""What a reader tells Prometheus and its log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import prometheus_client

if TYPE_CHECKING:
    from patternapp_services.outbox.journal import Figures

_PREFIX = "patternapp_outbox"
_log = logging.getLogger(__name__)


class Measures:
    """A `reader.Heard`. The gauges are the outbox's, whichever reader tells them; the counters are this reader's."""

    def __init__(self, registry: prometheus_client.CollectorRegistry) -> None:
        def gauge(name: str, meaning: str) -> prometheus_client.Gauge:
            return prometheus_client.Gauge(f"{_PREFIX}_{name}", meaning, registry=registry)

        def counter(name: str, meaning: str) -> prometheus_client.Counter:
            return prometheus_client.Counter(f"{_PREFIX}_{name}", meaning, registry=registry)

        self._pending = gauge("pending", "Changes that were noted and are not sent yet.")
        self._refused = gauge("refused", "Changes that are kept and passed over, as nobody takes them.")
        self._lag = gauge("lag_seconds", "Seconds since the oldest pending change was made.")
        self._sent = counter("sent", "Events that the Broker took.")
        self._failed = counter("failed", "Attempts that failed and are made again.")
        self._dead_lettered = counter("dead_lettered", "Events that the dead letters took, as the Broker never does.")

    def sent(self) -> None:
        self._sent.inc()

    def failed(self) -> None:
        self._failed.inc()

    def dead_lettered(self) -> None:
        self._dead_lettered.inc()

    def looked(self, figures: Figures) -> None:
        self._pending.set(figures.pending)
        self._refused.set(figures.refused)
        self._lag.set(figures.lag)

    def trouble(self, text: str) -> None:
        if text:
            _log.warning("changes are not sent: %s", text)
        else:
            _log.info("changes are noted and sent")
