"""Containers: the user's functions and our own services, both under Pod Security's level "restricted"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.render import scope as scopes

if TYPE_CHECKING:
    from patternapp.plan.model import Function
    from patternapp.render.scope import Object, Scope

PORT = 8080
CONFIG_FOLDER, SECRETS_FOLDER = "/etc/patternapp/config", "/etc/patternapp/secrets"
JOB_EVENT = "/etc/jobsink-event/event"
"""Where a JobSink mounts the event."""
SERVICE_RESOURCES = {"requests": {"cpu": "25m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """What one of our services reads: its ConfigMap, and Secrets, each in a folder of its own as in `dev`."""

    config: str
    secrets: tuple[str, ...] = ()

    def volumes(self) -> list[Object]:
        """The Pod's volumes."""
        return [
            {"name": "config", "configMap": {"name": self.config}},
            *(
                {"name": f"secret-{number}", "secret": {"secretName": name}}
                for number, name in enumerate(sorted(set(self.secrets)))
            ),
        ]

    def mounts(self) -> list[Object]:
        """The container's mounts."""
        return [
            {"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True},
            *(
                {"name": f"secret-{number}", "mountPath": f"{SECRETS_FOLDER}/{name}", "readOnly": True}
                for number, name in enumerate(sorted(set(self.secrets)))
            ),
        ]


def function(node: Function) -> Object:
    """A function's container as Knative runs it: it listens on ``$PORT``, which Knative sets."""
    container: Object = {
        "name": "function",
        "image": node.image,
        "command": _command(node),
        "securityContext": restricted(),
    }
    if node.env:
        container["env"] = [scopes.dumped(variable) for variable in node.env]
    if node.resources is not None:
        container["resources"] = scopes.dumped(node.resources)
    return container


def beside_worker(node: Function) -> Object:
    """A function's container in a worker's Pod, where nobody else sets ``$PORT``."""
    container = function(node)
    container["env"] = [*container.get("env", ()), {"name": "PORT", "value": str(PORT)}]
    container["startupProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1, "failureThreshold": 60}
    return container


def job(node: Function) -> Object:
    """A function's container as a JobSink runs it: once, for the event in `JOB_EVENT`, then it ends."""
    container = function(node)
    if node.handler is not None:
        container["command"] = [*container["command"], "--event", JOB_EVENT]
    return container


def own(scope: Scope, role: str, mounts: Mounts) -> Object:
    """The container of one of our services."""
    return {
        "name": role,
        "image": scope.capabilities.services_image,
        "args": [role, "--config", f"{CONFIG_FOLDER}/config.json"],
        "securityContext": restricted() | {"readOnlyRootFilesystem": True},
        "resources": SERVICE_RESOURCES,
        "volumeMounts": mounts.mounts(),
    }


def restricted() -> Object:
    """The security context that the level "restricted" of Kubernetes' Pod Security Standards wants."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _command(node: Function) -> list[str]:
    return list(node.command) if node.handler is None else ["patternapp", "serve", node.handler]
