"""The end of apps whose schedules run Jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import harness
from e2e import kube

if TYPE_CHECKING:
    from e2e.kube import Namespace, Object


def end(namespace: Namespace, app: Object) -> None:
    """Delete an app and all Jobs of its namespace; returns when they are gone.

    Nothing else deletes them: Knative 1.20 names their owner's kind wrongly. And a namespace that is deleted waits for
    their Pods, which wait for Pods to take their place, which it does not admit any more.
    """
    namespace.delete(app)
    jobs = namespace.path("Job", "batch/v1")
    assert namespace.server.request("DELETE", jobs, query="propagationPolicy=Background").status == 200
    harness.eventually(lambda: not namespace.listed("Job", "batch/v1"), within=kube.WITHIN)
