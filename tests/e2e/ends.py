"""Ways in which a Pod ends."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.kube import Namespace, Object


def stop(namespace: Namespace, pod: Object) -> None:
    """Ask for its end, as a node that is drained does: its containers are told to stop, and have their time."""
    assert namespace.server.delete(f"{namespace.path('Pod')}/{pod['metadata']['name']}").status < 300


def kill(namespace: Namespace, pod: Object) -> None:
    """End it as a node that fails does: SIGKILL to all of its processes, none of which is told before."""
    status = pod["status"]
    for container in (*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())):
        if "running" in container["state"]:
            _kill(namespace, container["containerID"].rpartition("/")[2])
    # Deleting alone tells the processes to stop first, with whatever grace.
    path = f"{namespace.path('Pod')}/{pod['metadata']['name']}"
    assert namespace.server.request("DELETE", path, query="gracePeriodSeconds=0").status in {200, 202, 404}


def _kill(namespace: Namespace, container: str) -> None:
    told = ("ctr", "--address", str(namespace.stack.containerd), "--namespace", "k8s.io", "task", "kill")
    subprocess.run((*told, "--all", "--signal", "SIGKILL", container), check=True, capture_output=True)
