"""sinks.knative.dev JobSink: a schedule's function as a Job, for work that outlives any request.

What holds here:

* A Job tries again what may get better, as often as the entry's delivery says, and nothing else: not an event that the
  function refused, and it does not count what Kubernetes itself did to a Pod.
* The Broker is done with an event once there is a Job for it. So the Pod itself sends what it gives up to the dead
  letters, and for that it is told how often the Job has failed before: Kubernetes tells it to Jobs with an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import delivery as deliveries
from patternapp.render import containers, names
from patternapp.render import scope as scopes

if TYPE_CHECKING:
    from patternapp.plan.model import Schedule, Trigger
    from patternapp.render.scope import Object, Scope

JOB = "job"
KEPT = 86_400
"""Seconds that an ended Job stays, with its event and its log. As long, the same event starts no second one."""
FAILURES = "metadata.annotations['batch.kubernetes.io/job-index-failure-count']"


def sink(scope: Scope, node: Schedule, edge: Trigger) -> Object:
    """The JobSink of a schedule. It gives the Job's containers the event, and a SinkBinding the Broker's address."""
    labels = names.labels(scope.app, JOB)
    container = containers.job(scope.function(edge.head))
    container["env"] = [*container.get("env", ()), *_told(scope, edge)]
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
    }
    job = {
        # The labels by which the SinkBinding finds it.
        "metadata": {"labels": labels},
        "spec": {
            "completionMode": "Indexed",
            "completions": 1,
            "backoffLimitPerIndex": edge.delivery.retry,
            "podFailurePolicy": {"rules": _failures()},
            "ttlSecondsAfterFinished": KEPT,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    head = scope.head(scopes.SINKS, "JobSink", names.job_sink(scope.app, node.key), "schedule")
    return head | {"spec": {"job": job}}


def _told(scope: Scope, edge: Trigger) -> list[Object]:
    """What the Pod needs to know to give up as a Broker would."""
    sink = scope.dead_letters(edge.dead_letter)
    address = sink.get("uri", "").replace("$(", "$$(")
    if not address:
        address = f"http://{sink['ref']['name']}.$(PATTERNAPP_NAMESPACE).svc.{scope.capabilities.cluster_domain}"
    return [
        {"name": "PATTERNAPP_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "PATTERNAPP_DEAD_LETTER", "value": address},
        {"name": "PATTERNAPP_RETRIES", "value": str(edge.delivery.retry)},
        {"name": "PATTERNAPP_FAILURES", "valueFrom": {"fieldRef": {"fieldPath": FAILURES}}},
    ]


def _failures() -> list[Object]:
    """What a failed Pod means; the first rule that fits counts, and what none fits is tried again."""
    refused = {"containerName": containers.FUNCTION, "operator": "In", "values": [deliveries.EXIT_REFUSED]}
    return [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailJob", "onExitCodes": refused},
    ]
