"""serving.knative.dev: Services scaled from zero, and the DomainMapping of a gateway's host."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.render import containers, names
from patternapp.render import scope as scopes

if TYPE_CHECKING:
    from patternapp.plan.model import Function
    from patternapp.render.scope import Object, Scope

FUNCTION = "function"
WINDOW = (6, 3600)
"""Seconds that Knative's autoscaler accepts as its window."""
TIMEOUT = 60
"""Seconds that a request to one of our services may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """One of our services that is called over HTTP, with the configuration it reads; `timeout` is in seconds."""

    role: str
    config: Object
    secrets: tuple[str, ...] = ()
    public: bool = False
    timeout: int = TIMEOUT


def function(scope: Scope, node: Function) -> Object:
    """A function. Only its own cluster can call it: what is public goes through the gateway, with its rules."""
    annotations = {
        "min-scale": node.min,
        "max-scale": node.max,
        # The time without requests after which the last instance goes; also the span that load is averaged over.
        "window": f"{min(max(math.ceil(node.idle), WINDOW[0]), WINDOW[1])}s",
    }
    template = {
        "metadata": {"labels": names.labels(scope.app, FUNCTION), "annotations": names.autoscaling(annotations)},
        "spec": {
            "containerConcurrency": node.concurrency,
            "timeoutSeconds": math.ceil(node.timeout),
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
            "containers": [containers.function(node)],
        },
    }
    service = scope.head(scopes.SERVING, "Service", names.function(scope.app, node.name), FUNCTION)
    service["metadata"]["labels"][names.VISIBILITY] = "cluster-local"
    return service | {"spec": {"template": template}}


def receiver(scope: Scope, service: Receiver) -> Object:
    """One of our services."""
    name = names.own(scope.app, service.role)
    mounts = containers.Mounts(config=name, secrets=service.secrets)
    digest = hashlib.sha256(scopes.compact(service.config).encode()).hexdigest()[: names.HASH_LENGTH]
    template = {
        "metadata": {
            "labels": names.labels(scope.app, service.role),
            "annotations": names.autoscaling({"min-scale": 0, "max-scale": 10}) | {names.CONFIG_HASH: digest},
        },
        "spec": {
            "timeoutSeconds": service.timeout,
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
            "containers": [containers.own(scope, service.role, mounts)],
            "volumes": mounts.volumes(),
        },
    }
    head = scope.head(scopes.SERVING, "Service", name, service.role)
    if not service.public:
        head["metadata"]["labels"][names.VISIBILITY] = "cluster-local"
    return head | {"spec": {"template": template}}


def domain_mapping(scope: Scope, host: str) -> Object:
    """The gateway's public host; the object's name is the domain."""
    target = scopes.reference(scopes.SERVING, "Service", names.own(scope.app, names.GATEWAY))
    return scope.head("serving.knative.dev/v1beta1", "DomainMapping", host, names.GATEWAY) | {"spec": {"ref": target}}
