"""What every renderer of an object needs: the plan, the cluster's capabilities, and how objects name each other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from patternapp.plan.model import BROKER, Function, Schedule, Uri
from patternapp.render import names

if TYPE_CHECKING:
    from patternapp.plan.model import Node, Plan, Trigger
    from patternapp.render.capabilities import Capabilities

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object, or a part of one, as JSON data."""

SERVING, EVENTING, POLICIES, SOURCES, CONNECTORS, SINKS, KEDA, APPS, BATCH = (
    "serving.knative.dev/v1",
    "eventing.knative.dev/v1",
    "eventing.knative.dev/v1alpha1",
    "sources.knative.dev/v1",
    "sources.knative.dev/v1alpha1",
    "sinks.knative.dev/v1alpha1",
    "keda.sh/v1alpha1",
    "apps/v1",
    "batch/v1",
)


@dataclass(frozen=True, slots=True)
class Scope:
    """One app on one cluster."""

    plan: Plan
    capabilities: Capabilities
    nodes: dict[str, Node]

    @property
    def app(self) -> str:
        return self.plan.app

    def function(self, key: str) -> Function:
        """The function with this key."""
        node = self.nodes[key]
        if not isinstance(node, Function):
            raise TypeError(f"{key} is a {type(node).__name__}, not a function; the plan is wrong")
        return node

    def head(self, api_version: str, kind: str, name: str, component: str) -> Object:
        """The beginning of an object: what it is, its name and its labels."""
        metadata = {"name": name, "labels": names.labels(self.app, component)}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata}

    def broker(self) -> Object:
        """The Broker as a sink."""
        return {"ref": reference(EVENTING, "Broker", names.broker(self.app))}

    def subscriber(self, trigger: Trigger) -> Object:
        """Where a Trigger delivers to: a Knative Service, a JobSink, the enqueue service, or an address outside."""
        if self.is_job(trigger):
            return {"ref": reference(SINKS, "JobSink", names.job_sink(self.app, trigger.key))}
        match self.nodes[trigger.head]:
            case Function() | Uri():
                return self.destination(trigger.head)
            case _:
                return self.own(names.ENQUEUE) | {"uri": f"/{trigger.head}"}

    def is_job(self, trigger: Trigger) -> bool:
        """Whether it belongs to a schedule whose function runs as a Job."""
        schedule = self.nodes.get(trigger.key)
        return isinstance(schedule, Schedule) and schedule.job

    def destination(self, key: str) -> Object:
        """A function, an address outside or the Broker, as a sink."""
        match self.nodes[key]:
            case Function(name=name):
                return {"ref": reference(SERVING, "Service", names.function(self.app, name))}
            case Uri(uri=uri):
                return {"uri": uri}
            case _:
                return self.broker()

    def own(self, role: str) -> Object:
        """One of our services as a sink."""
        return {"ref": reference(SERVING, "Service", names.own(self.app, role))}

    def dead_letters(self, key: str | None) -> Object:
        """Where dead letters go: the function or address with this key, or the app's own store."""
        if key is None:
            return {"ref": reference("v1", "Service", names.own(self.app, names.DEAD_LETTERS))}
        return self.destination(key)

    def receiver(self, key: str) -> Object:
        """What takes events, as our own services read it: as `address`, and the path of a queue or a filled stream."""
        match self.nodes[key]:
            case Function() | Uri():
                return self.address(key)
            case _:
                return {"service": names.own(self.app, names.ENQUEUE), "path": f"/{key}"}

    def address(self, key: str | None) -> Object:
        """A sink as our own services read it from their configuration.

        ``{"service": name}`` is a Service or Knative Service of the same namespace, whose host the reader completes
        from its own search domain; ``{"uri": address}`` is outside; ``{"sink": true}`` is the Broker, in ``K_SINK``.
        """
        if key == BROKER:
            return {"sink": True}
        sink = self.dead_letters(key)
        return {"uri": sink["uri"]} if "uri" in sink else {"service": sink["ref"]["name"]}


def reference(api_version: str, kind: str, name: str) -> Object:
    """An object of the same namespace; the namespace is never written down."""
    return {"apiVersion": api_version, "kind": kind, "name": name}


def compact(data: Any) -> str:
    """JSON text that is equal for equal data."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def dumped(model: Any) -> Any:
    """A model of the resource as the user would write it, without what is not set."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
