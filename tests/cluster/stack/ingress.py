"""The stand-in for Kourier: programs an Envoy from Knative's Ingress objects, and says in their status that it did.

What holds here: an Ingress is ready once Envoy itself has told that it works by what was written for it. What Envoy
refuses, or the API server does not answer, is said and tried again: it ends nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import queue
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster import api
from cluster.stack import addresses, envoy, watching

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASS = "stand-in.ingress.networking.knative.dev"
"""What `config-network` names."""
_CLASS_ANNOTATION = "networking.knative.dev/ingress.class"
_INGRESSES = "/apis/networking.internal.knative.dev/v1alpha1/ingresses"
_COLLECTIONS = {
    "ingresses": _INGRESSES,
    "services": "/api/v1/services",
    "slices": "/apis/discovery.k8s.io/v1/endpointslices",
}
_HOSTS = {
    "publicLoadBalancer": "kourier.kourier-system.svc.cluster.local",
    "privateLoadBalancer": "kourier-internal.kourier-system.svc.cluster.local",
}
"""The Services of `ingress.yaml`."""
_TAKEN_WITHIN = 30.0
_LOOK_EVERY = 0.02
_AGAIN_AFTER = 1.0


class NotTakenError(Exception):
    """Envoy does not take what was written; its log says why."""


def prepare(folder: Path) -> None:
    """Write what an Envoy is started with, into a new folder: it listens, and knows no host."""
    folder.mkdir()
    (folder / "bootstrap.json").write_text(json.dumps(envoy.bootstrap(folder)))
    for name, resources in envoy.resources(envoy.Known(), folder).items():
        _replace(folder, name, resources, "0")


def _replace(folder: Path, name: str, resources: list[dict[str, Any]], version: str) -> None:
    fresh = folder / f"{name}.tmp"
    fresh.write_text(json.dumps({"version_info": version, "resources": resources}))
    fresh.rename(folder / f"{name}.json")  # Envoy watches for moves


class Envoy:
    """The files that an Envoy reads, and whether it has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, list[dict[str, Any]]] = {}
        self._versions = itertools.count(1)

    def program(self, known: envoy.Known) -> None:
        """Make it work by these objects; it does once this returns.

        Raises:
            NotTakenError: It does not.
        """
        expected = {}
        for name, resources in envoy.resources(known, self._folder).items():
            if self._written.get(name) != resources:
                expected[name] = str(next(self._versions))
                _replace(self._folder, name, resources, expected[name])
                self._written[name] = resources
        deadline = time.monotonic() + _TAKEN_WITHIN
        while not self._has(expected):
            if time.monotonic() > deadline:
                self._written.clear()
                raise NotTakenError(f"Envoy did not take {expected}")
            time.sleep(_LOOK_EVERY)  # between two looks at another process

    def _has(self, expected: Mapping[str, str]) -> bool:
        """Whether its own statistics name these versions, where they name any."""
        told = expected.keys() & envoy.VERSIONS.keys()
        said = _version_texts() if told else {}
        return all(said.get(envoy.VERSIONS[name]) == expected[name] for name in told)


def _version_texts() -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", addresses.ENVOY_ADMIN, timeout=_TAKEN_WITHIN)
    try:
        connection.request("GET", "/stats?type=TextReadouts&filter=version_text")
        lines = connection.getresponse().read().decode().splitlines()
    except OSError:  # it starts just now
        return {}
    finally:
        connection.close()
    return {name: text.strip('"') for name, _, text in (line.partition(": ") for line in lines)}


def ready(ingress: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The status of an Ingress that Envoy works by."""
    conditions = [
        {"type": name, "status": "True", "lastTransitionTime": now}
        for name in ("LoadBalancerReady", "NetworkConfigured", "Ready")
    ]
    balancers = {balancer: {"ingress": [{"domainInternal": host}]} for balancer, host in _HOSTS.items()}
    return {"observedGeneration": ingress["metadata"]["generation"], "conditions": conditions, **balancers}


def _is_ready(ingress: Mapping[str, Any]) -> bool:
    status = ingress.get("status", {})
    told = {condition["type"]: condition["status"] for condition in status.get("conditions", ())}
    return status.get("observedGeneration") == ingress["metadata"]["generation"] and told.get("Ready") == "True"


def _is_ours(ingress: Mapping[str, Any]) -> bool:
    annotations = ingress["metadata"].get("annotations", {})
    return annotations.get(_CLASS_ANNOTATION) == CLASS and "deletionTimestamp" not in ingress["metadata"]


def run(access: api.Access, folder: Path) -> None:
    """Program the Envoy of a folder as long as this process lives."""
    changes: queue.Queue[watching.Change] = queue.Queue()
    for kind, path in _COLLECTIONS.items():
        watching.follow(access, kind, path, changes)
    proxy = Envoy(folder)
    now: dict[str, Any] = {}
    while True:
        for change in _at_once(changes):
            now[change.kind] = change.objects
        if now.keys() != _COLLECTIONS.keys():
            continue  # not all have been listed yet
        now["ingresses"] = {key: one for key, one in now["ingresses"].items() if _is_ours(one)}
        try:
            proxy.program(envoy.Known(**now))
            _tell(access, now["ingresses"])
        except (NotTakenError, OSError, http.client.HTTPException) as problem:
            sys.stderr.write(f"{problem!r}\n")
            time.sleep(_AGAIN_AFTER)
            changes.put(watching.Change("ingresses", now["ingresses"]))


def _tell(access: api.Access, ingresses: Mapping[tuple[str, str], Any]) -> None:
    server = api.Api(access)
    with contextlib.closing(server):
        for (namespace, name), ingress in ingresses.items():
            if not _is_ready(ingress):
                path = _INGRESSES.replace("/ingresses", f"/namespaces/{namespace}/ingresses/{name}/status")
                stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                server.merge(path, {"status": ready(ingress, stamp)})  # if it is gone by now, nothing is lost


def _at_once(changes: queue.Queue[watching.Change]) -> list[watching.Change]:
    """What has changed: the next thing, as soon as there is one, and all that has come with it."""
    found = [changes.get()]
    while not changes.empty():
        found.append(changes.get())
    return found


def main() -> None:
    """Program the Envoy of a folder."""
    parser = argparse.ArgumentParser(prog="python -m cluster.stack.ingress")
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    run(api.access(options.kubeconfig), options.folder)


if __name__ == "__main__":
    main()
