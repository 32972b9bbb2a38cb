"""networking.k8s.io NetworkPolicy: who may call the Pods that an app runs beside Knative's.

What holds here:

* Only Pods of Deployments and Jobs of ours are chosen. A Pod of a Knative Service never is: the activator and the
  autoscaler call its queue-proxy from wherever Serving runs.
* Only calls in are restricted. Where functions, databases and dead-letter addresses are is not known here, and a policy
  that chooses a Pod for calls out would cut it off from them.
* Policies add up: an author who wants more callers adds a policy beside these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.render import containers, core, jobs, names

if TYPE_CHECKING:
    from patternapp.render.scope import Object, Scope

VERSION = "networking.k8s.io/v1"
UNCALLED = (jobs.JOB, core.OUTBOX, core.WORKER)
"""Components that take no events from others: they pull, or have been given what they need."""


def policies(scope: Scope, objects: tuple[Object, ...]) -> tuple[Object, ...]:
    """The policies for those of the app's objects that run Pods of their own."""
    ran = {_component(item) for item in objects} - {None}
    found = (
        _closed(scope) if ran.intersection(UNCALLED) else None,
        _dead_letters(scope) if names.DEAD_LETTERS in ran else None,
    )
    return tuple(policy for policy in found if policy is not None)


def _component(item: Object) -> str | None:
    match item["kind"]:
        case "Deployment":
            template = item["spec"]["template"]
        case "JobSink":
            template = item["spec"]["job"]["spec"]["template"]
        case _:
            return None
    component: str = template["metadata"]["labels"][names.COMPONENT]
    return component


def _closed(scope: Scope) -> Object:
    """Only their metrics are read; a function listens for the worker beside it alone."""
    chosen = {
        "matchLabels": names.selector(scope.app),
        "matchExpressions": [{"key": names.COMPONENT, "operator": "In", "values": list(UNCALLED)}],
    }
    return _policy(scope, names.closed(scope.app), chosen, [{"ports": [_port(containers.FIGURES_PORT)]}])


def _dead_letters(scope: Scope) -> Object:
    """Called by Brokers and sources, whose data plane is in Eventing's namespace or this one, and by our workers."""
    eventing = {"matchLabels": {names.NAMESPACE_NAME: scope.capabilities.eventing_namespace}}
    callers = [{"podSelector": {}}, {"namespaceSelector": eventing}]
    ingress = [{"from": callers, "ports": [_port(containers.PORT)]}]
    chosen = {"matchLabels": names.labels(scope.app, names.DEAD_LETTERS)}
    return _policy(scope, names.own(scope.app, names.DEAD_LETTERS), chosen, ingress)


def _port(number: int) -> Object:
    return {"protocol": "TCP", "port": number}


def _policy(scope: Scope, name: str, chosen: Object, ingress: list[Object]) -> Object:
    spec = {"podSelector": chosen, "policyTypes": ["Ingress"], "ingress": ingress}
    return scope.head(VERSION, "NetworkPolicy", name, "network") | {"spec": spec}
