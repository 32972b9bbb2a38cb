"""Compares what the watches told with what there is, because a watch that breaks loses deletions.

What holds here: a list counts only from its beginning to its end; one that breaks changes nothing. What was made while
the list was read is not taken for gone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.cluster import failures, resources
from patternapp.render import names
from patternapp_operator.workqueue import Priority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from patternapp.cluster.resources import ApiKind, AppKey, Object
    from patternapp_operator.cluster import Cluster
    from patternapp_operator.hearing import Hearing
    from patternapp_operator.metrics import Metrics
    from patternapp_operator.observed import Apps, Observed
    from patternapp_operator.reach import Reach
    from patternapp_operator.workqueue import WorkQueue

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Lists everything once in a while."""

    cluster: Cluster
    apps: Apps
    observed: Observed
    queue: WorkQueue[AppKey]
    metrics: Metrics
    hearing: Hearing
    namespaces: Sequence[str] = ()
    """Where apps are kept; none means everywhere."""

    async def run(self, reach: Reach) -> list[ApiKind]:
        """One audit; the kinds that could not be listed, which keep no other kind from being listed."""
        self.hearing.keep(reach.watched())
        missed = []
        for kind in (resources.APP_KIND, *reach.kinds()):
            try:
                await (self._apps() if kind == resources.APP_KIND else self._objects(kind))
            except failures.ClusterError as error:
                _LOG.warning("%s could not be listed: %s", kind.definition, error)
                missed.append(kind)
        return missed

    async def _apps(self) -> None:
        before, found = {key: self.apps.get(key) for key in self.apps}, set()
        async for body in self._listed(resources.APP_KIND):
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
        async for body in self._listed(kind, selector=names.APP_LABEL):
            ref = resources.ref(body)
            found.add(ref)
            for key in self.observed.note(ref, body):
                self._finding(key, Priority.CHILD)
        for ref, seen in before.items():
            # What changed since the list began is younger than the list.
            if ref not in found and seen is not None and self.observed.get(ref) is seen:
                for key in self.observed.gone(ref, seen.version):
                    self._finding(key, Priority.CHILD)

    async def _listed(self, kind: ApiKind, *, selector: str = "") -> AsyncIterator[Object]:
        for namespace in self.namespaces or (None,):
            async for body in self.cluster.list(kind, namespace=namespace, selector=selector):
                self.hearing.found(kind, int(body["metadata"]["resourceVersion"]))
                yield body

    def _finding(self, key: AppKey, priority: Priority) -> None:
        self.metrics.findings.inc()
        self.queue.add(key, priority)
