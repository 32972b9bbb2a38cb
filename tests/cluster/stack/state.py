"""What there is to know of the cluster of `make cluster-up`: written when it is up, gone when it is not."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import versions


class NotUpError(Exception):
    """There is no cluster; the message says how to get one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A cluster that runs.

    Attributes:
        kubeconfig: The access of a member of `system:masters`.
        node: The address of the only node; Pods and this machine reach it.
        machine: This machine's address as Pods see it.
        ingress: The URL of the Envoy for what the world may call, without a path.
        internal: The URL of the same for what only the cluster may call.
        kafka: ``address:port`` of a broker that makes no topic unasked.
        redis: ``address:port``.
        kubectl: The program, of the server's version.
        containerd: The socket of the node's container runtime; the images of Pods are in its namespace `k8s.io`.
    """

    kubeconfig: Path
    node: str
    machine: str
    ingress: str
    internal: str
    kafka: str
    redis: str
    kubectl: Path
    containerd: Path


def folder() -> Path:
    """Where the cluster keeps all that it has while it runs."""
    return versions.cache() / "stack"


def read() -> Stack:
    """The cluster that is up.

    Raises:
        NotUpError: None is.
    """
    try:
        known = json.loads(_file().read_text())
    except FileNotFoundError:
        raise NotUpError("no cluster is up: run `make cluster-up`") from None
    paths: dict[str, Any] = {name: Path(known[name]) for name in ("kubeconfig", "kubectl", "containerd")}
    return Stack(**{field.name: paths.get(field.name, known[field.name]) for field in dataclasses.fields(Stack)})


def write(stack: Stack) -> None:
    """Tell that the cluster is up."""
    fresh = _file().with_suffix(".tmp")
    fresh.write_text(json.dumps(dataclasses.asdict(stack), indent=2, default=str) + "\n")
    fresh.rename(_file())


def forget() -> None:
    """Tell that no cluster is up."""
    _file().unlink(missing_ok=True)


def _file() -> Path:
    return folder() / "state.json"
