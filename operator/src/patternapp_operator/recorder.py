"""Kubernetes events about apps: one whenever an app's Ready changes its status or reason."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp.cluster import failures, resources
from patternapp_operator import clock as clocks
from patternapp_operator import logs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp_operator.clock import Clock
    from patternapp_operator.cluster import Cluster

_LOG = logging.getLogger(__name__)
_NOTE_LIMIT = 1_000
"""Characters; events.k8s.io/v1 refuses more than 1,024."""
_REASON_LIMIT = 128


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes events in the name of one replica. An event that cannot be written is logged, and nothing waits for it."""

    cluster: Cluster
    clock: Clock
    identity: str

    async def record(self, app: Mapping[str, Any], condition: Mapping[str, Any]) -> None:
        """Tell of a condition of an app."""
        metadata = app["metadata"]
        regarding = {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion")}
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name'][:200]}.{uuid.uuid4().hex}", "namespace": metadata["namespace"]},
            "eventTime": clocks.rfc3339_micro(self.clock.now()),
            "type": "Warning" if condition["status"] == "False" else "Normal",
            "reason": condition["reason"][:_REASON_LIMIT],
            "action": "Reconcile",
            "note": (condition["message"] or condition["reason"])[:_NOTE_LIMIT],
            "regarding": {"apiVersion": app["apiVersion"], "kind": app["kind"]} | regarding,
            "reportingController": "patternapp.dev/operator",
            "reportingInstance": self.identity[:_REASON_LIMIT],
        }
        try:
            await self.cluster.create(event, metadata["namespace"])
        except failures.ClusterError as error:
            key = resources.AppKey(metadata["namespace"], metadata["name"])
            about = logs.about(key, reason=type(error).__name__)
            _LOG.warning("an event of %s was not written: %s", key, error, extra=about)
