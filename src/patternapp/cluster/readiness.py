"""Whether one object does its work, read from its status.

What holds here: an object whose controller has not yet seen its last change is Unknown, whatever its conditions say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

CONDITION = {
    "apps/Deployment": "Available",
    "keda.sh/ScaledObject": "Ready",
    "serving.knative.dev/Service": "Ready",
    "serving.knative.dev/DomainMapping": "Ready",
    "eventing.knative.dev/Broker": "Ready",
    "eventing.knative.dev/Trigger": "Ready",
    "sources.knative.dev/SinkBinding": "Ready",
    "sources.knative.dev/PingSource": "Ready",
    "sources.knative.dev/IntegrationSource": "Ready",
    "sources.knative.dev/KafkaSource": "Ready",
    "sinks.knative.dev/JobSink": "Ready",
}
"""The condition that tells whether an object of a kind works. All other kinds work as soon as they exist."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """One aspect of an object, in the words of metav1.Condition."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""


EXISTS = Readiness("True", "Exists")
ABSENT = Readiness("Unknown", "Absent", "it does not exist yet")
_UNSEEN = Readiness("Unknown", "NotObserved", "its controller has not yet seen the last change")


def readiness(group: str, body: Mapping[str, Any]) -> Readiness:
    """Whether an object works, with its controller's own reason."""
    wanted = CONDITION.get(f"{group}/{body['kind']}")
    if wanted is None:
        return EXISTS
    status = body.get("status") or {}
    seen = status.get("observedGeneration")
    if seen is not None and seen < body["metadata"].get("generation", 0):
        return _UNSEEN
    for condition in status.get("conditions") or ():
        if condition.get("type") == wanted:
            value = condition.get("status")
            known: Literal["True", "False", "Unknown"] = value if value in {"True", "False"} else "Unknown"
            return Readiness(known, condition.get("reason") or wanted, condition.get("message") or "")
    return Readiness("Unknown", "NoCondition", f"its controller has not said whether it is {wanted.lower()}")
