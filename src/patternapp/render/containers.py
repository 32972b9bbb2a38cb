"""Containers: the user's functions and our own services, both under Pod Security's level "restricted"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.render import scope as scopes

if TYPE_CHECKING:
    from patternapp.plan.model import Function
    from patternapp.render.scope import Object, Scope

PORT, FIGURES_PORT = 8080, 9090
"""Where events are received, and where one of our services that receives none tells its health and its metrics."""
CONFIG_FOLDER, SECRETS_FOLDER = "/etc/patternapp/config", "/etc/patternapp/secrets"
JOB_EVENT = "/etc/jobsink-event/event"
"""Where a JobSink mounts the event."""
TIMEOUT = "PATTERNAPP_TIMEOUT"
"""The variable by which `patternapp serve` knows how long a handler may take."""
FUNCTION = "function"
"""The name of a function's container."""
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
    return _container(node, _limited(node))


def _container(node: Function, env: list[Object]) -> Object:
    container: Object = {
        "name": FUNCTION,
        "image": node.image,
        "command": _command(node),
        "securityContext": restricted(),
    }
    if env:
        container["env"] = env
    if node.resources is not None:
        container["resources"] = scopes.dumped(node.resources)
    return container


def beside_worker(node: Function) -> Object:
    """A function's container in a worker's Pod, where nobody else sets ``$PORT``.

    It is a sidecar in Kubernetes' sense: it listens before the worker pulls, and ends only after the worker did, so a
    batch on its way is always answered.
    """
    container = function(node) | {"restartPolicy": "Always"}
    container["env"] = [*container["env"], {"name": "PORT", "value": str(PORT)}]
    container["startupProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1, "failureThreshold": 60}
    return container


def job(node: Function) -> Object:
    """A function's container as a JobSink runs it: once, for the event in `JOB_EVENT`, then it ends."""
    container = _container(node, _own(node))
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


def monitored(container: Object, port: int) -> Object:
    """The same container, restarted once it says on a port that it must be, and called while it says that it can."""

    def look(path: str) -> Object:
        return {"httpGet": {"path": path, "port": port}, "periodSeconds": 10, "timeoutSeconds": 5}

    return container | {
        "ports": [{"containerPort": port}],
        "livenessProbe": look("/healthz") | {"initialDelaySeconds": 10},
        "readinessProbe": look("/readyz"),
    }


def pulling(scope: Scope, role: str, mounts: Mounts) -> Object:
    """The container of one of our services that is called by nobody but who reads its metrics."""
    container = own(scope, role, mounts)
    container["args"] = [*container["args"], "--port", str(FIGURES_PORT)]
    return monitored(container, FIGURES_PORT)


def restricted() -> Object:
    """The security context that the level "restricted" of Kubernetes' Pod Security Standards wants."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _own(node: Function) -> list[Object]:
    return [scopes.dumped(variable) for variable in node.env]


def _limited(node: Function) -> list[Object]:
    """The function's variables, and how long handlers may take where it does not say so itself."""
    if any(variable.name == TIMEOUT for variable in node.env):
        return _own(node)
    return [*_own(node), {"name": TIMEOUT, "value": f"{node.handling:g}"}]


def _command(node: Function) -> list[str]:
    return list(node.command) if node.handler is None else ["patternapp", "serve", node.handler]
