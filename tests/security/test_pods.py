"""A5: whatever an author writes, a Pod of an app is one that the level "restricted" admits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import spec_strategies
from hypothesis import HealthCheck, given, settings

from patternapp.plan import compile as compiler
from patternapp.render import objects

if TYPE_CHECKING:
    from collections.abc import Iterator

VOLUMES = {"configMap", "secret", "persistentVolumeClaim", "projected", "emptyDir", "downwardAPI", "csi", "ephemeral"}
POD = {
    "automountServiceAccountToken",
    "containers",
    "containerConcurrency",
    "enableServiceLinks",
    "initContainers",
    "restartPolicy",
    "securityContext",
    "terminationGracePeriodSeconds",
    "timeoutSeconds",
    "volumes",
}
"""All the fields that a Pod of ours has: no host's namespaces, no account, no node, no runtime."""
CONTAINER = {
    "args",
    "command",
    "env",
    "image",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resources",
    "restartPolicy",
    "securityContext",
    "startupProbe",
    "volumeMounts",
}
SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
SOURCES = ({"secretKeyRef"}, {"configMapKeyRef"})


def pods(items: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    for item in items:
        spec = item.get("spec", {})
        template = spec.get("job", {}).get("spec", spec).get("template", {})
        if "spec" in template:
            yield template["spec"]


def complaints(pod: dict[str, Any]) -> Iterator[str]:
    """What the Pod Security Standards, and we ourselves, have against a Pod."""
    yield from (f"the field {name}" for name in pod.keys() - POD)
    yield from (f"the volume {volume}" for volume in pod.get("volumes", ()) if not volume.keys() <= VOLUMES | {"name"})
    yield from (f"of the Pod {name}" for name in pod.get("securityContext", {}).keys() - {"fsGroup"})
    for container in [*pod.get("initContainers", ()), *pod["containers"]]:
        yield from (f"the field {name}" for name in container.keys() - CONTAINER)
        security = container["securityContext"] | SECURITY
        if security != container["securityContext"] or security.keys() - SECURITY.keys() - {"readOnlyRootFilesystem"}:
            yield f"the security context {container['securityContext']}"
        yield from (f"the port {port}" for port in container.get("ports", ()) if "hostPort" in port)
        yield from (
            f"the variable {variable}"
            for variable in container.get("env", ())
            if "valueFrom" in variable and not harmless(variable["valueFrom"])
        )


def harmless(source: dict[str, Any]) -> bool:
    """Whether it is a key of one object of the namespace, or what a Pod is called."""
    return source.keys() in SOURCES or source.get("fieldRef", {}).get("fieldPath", "").startswith("metadata.")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spec_strategies.resources())
def test_no_app_becomes_a_pod_that_is_not_restricted(resource: dict[str, Any]) -> None:
    items = objects.render(compiler.compile_app(spec_strategies.parsed(resource)))

    assert [one for pod in pods(items) for one in complaints(pod)] == []


def test_what_must_not_be_in_a_pod_would_be_found() -> None:
    planted = {
        "hostNetwork": True,
        "serviceAccountName": "admin",
        "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
        "containers": [{"name": "c", "securityContext": SECURITY | {"privileged": True}, "ports": [{"hostPort": 1}]}],
    }

    assert len(list(complaints(planted))) == 5
