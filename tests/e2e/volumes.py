"""Volumes for the claims of apps, on a cluster that has no StorageClass of its own to make them.

What holds here: a volume is a folder of the only node, made by root and writable for everybody, as a claim's owner is
unknown; one that was used is never given to another claim.
"""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING, Any

from cluster.stack import state

if TYPE_CHECKING:
    from cluster import api

SPARE = 40
"""Volumes that wait for a claim: more than the tests of one run ask for."""
_PATH = "/api/v1/persistentvolumes"
_LABEL = "patternapp.dev/e2e"


def provide(server: api.Api) -> None:
    """Have enough volumes that are free, and drop those that were used."""
    if _default(server):
        return
    volumes = server.request("GET", _PATH, query=f"labelSelector={_LABEL}").object()["items"]
    for volume in volumes:
        if volume["status"]["phase"] in {"Released", "Failed"}:
            server.delete(f"{_PATH}/{volume['metadata']['name']}").object()
            shutil.rmtree(volume["spec"]["hostPath"]["path"], ignore_errors=True)
    free = sum(volume["status"]["phase"] == "Available" for volume in volumes)
    for _ in range(SPARE - free):
        server.create(_volume()).object()


def _default(server: api.Api) -> bool:
    classes = server.get("/apis/storage.k8s.io/v1/storageclasses").object()["items"]
    marks = (one["metadata"].get("annotations") or {} for one in classes)
    return any(mark.get("storageclass.kubernetes.io/is-default-class") == "true" for mark in marks)


def _volume() -> dict[str, Any]:
    name = f"e2e-{uuid.uuid4().hex[:12]}"
    folder = state.folder() / "volumes" / name
    folder.mkdir(parents=True)
    folder.chmod(0o777)  # the kubelet gives a hostPath to no group
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": {_LABEL: "volume"}},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": str(folder), "type": "Directory"},
        },
    }
