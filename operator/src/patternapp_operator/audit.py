"""Compares what the watches told with what there is, because a watch that breaks loses deletions.

What holds here: a list counts only from its beginning to its end; one that breaks changes nothing. What was made while
the list was read is not taken for gone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.render import names
from patternapp_operator import failures, resources
from patternapp_operator.workqueue import Priority

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from patternapp_operator.capabilities import Served
    from patternapp_operator.cluster import Cluster
    from patternapp_operator.metrics import Metrics
    from patternapp_operator.observed import Apps, Observed
    from patternapp_operator.resources import ApiKind, AppKey
    from patternapp_operator.workqueue import WorkQueue

_LOG = logging.getLogger(__name__)
_FINDINGS = "patternapp_audit_findings_total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Lists everything once in a while."""

    cluster: Cluster
    apps: Apps
    observed: Observed
    queue: WorkQueue[AppKey]
    metrics: Metrics

    async def run(self, served: Served) -> bool:
        """One audit; False if something could not be listed."""
        whole = await self._attempt(self._apps(), resources.APP_KIND)
        for kind in served.preferred():
            whole = await self._attempt(self._objects(kind), kind) and whole
        return whole

    async def _attempt(self, listing: Coroutine[None, None, None], kind: ApiKind) -> bool:
        try:
            await listing
        except failures.ClusterError as error:
            _LOG.warning("%s could not be listed: %s", kind.definition, error)
            return False
        return True

    async def _apps(self) -> None:
        before, found = {key: self.apps.get(key) for key in self.apps}, set()
        async for body in self.cluster.list(resources.APP_KIND):
            metadata = body["metadata"]
            found.add(resources.AppKey(metadata["namespace"], metadata["name"]))
            key = self.apps.note(body)
            if key is not None:
                self._finding(key, Priority.EDIT)
        for key, seen in before.items():
            if key not in found and self.apps.get(key) is seen and self.apps.gone(key):
                self._finding(key, Priority.EDIT)

    async def _objects(self, kind: ApiKind) -> None:
        before = {ref: self.observed.get(ref) for ref in self.observed.of_kind(kind.group, kind.kind)}
        found = set()
        async for body in self.cluster.list(kind, selector=names.APP_LABEL):
            ref = resources.ref(body)
            found.add(ref)
            for key in self.observed.note(ref, body):
                self._finding(key, Priority.CHILD)
        for ref, seen in before.items():
            # What changed since the list began is younger than the list.
            if ref not in found and seen is not None and self.observed.get(ref) is seen:
                for key in self.observed.gone(ref, seen.version):
                    self._finding(key, Priority.CHILD)

    def _finding(self, key: AppKey, priority: Priority) -> None:
        self.metrics.count(_FINDINGS, {})
        self.queue.add(key, priority)
