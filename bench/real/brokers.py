"""Events a second end to end with one trigger: the Broker of `dev` beside Knative's default one, in the same run.

What holds here: producers and events are the same for both. Knative's hands its events to a Pod that is always there,
with nothing of Serving in between, and keeps them in memory only; that of `dev` has each on the disk before its 202.
"""

from __future__ import annotations

import functools
import os
import tempfile
import urllib.parse
from pathlib import Path
from typing import Any, NamedTuple

import dev
import harness
from e2e import kube
from real import images, record

EVENTS = int(os.environ.get("EVENTS", "6400"))
TURNS = int(os.environ.get("TURNS", "3"))
_NAME = "bench"
_READY = 300.0
_PORT = 8080
_LABELS = {"app": _NAME}


class Rates(NamedTuple):
    """Events a second of one turn."""

    dev: float
    knative: float


def measure(namespace: kube.Namespace) -> list[Rates]:
    """Turn by turn, each after events that do not count."""
    to = _made(namespace)
    turns = [Rates(_of_dev(), _of_knative(namespace, to)) for _ in range(TURNS)]
    for item in reversed(_objects()):
        namespace.delete(item)
    return turns


def _of_dev() -> float:
    with tempfile.TemporaryDirectory() as temporary, dev.running(dev.sample(Path(temporary))):
        dev.get("/hello")
        dev.through_the_broker(EVENTS // 10)
        return dev.through_the_broker(EVENTS)[0]


def _of_knative(namespace: kube.Namespace, to: dev.Ingress) -> float:
    _through(namespace, to, EVENTS // 10)
    return _through(namespace, to, EVENTS)


def _made(namespace: kube.Namespace) -> dev.Ingress:
    """The ingress of a Broker of the class `MTChannelBasedBroker` that works, with a trigger and who counts."""
    for item in _objects():
        namespace.apply(item)
    knative = (("eventing.knative.dev/v1", kind) for kind in ("Broker", "Trigger"))
    for version, kind in (("apps/v1", "Deployment"), *knative):
        harness.eventually(functools.partial(_works, namespace, version, kind), within=_READY)
    harness.eventually(functools.partial(_counts, namespace), within=_READY)
    found = namespace.get("Broker", _NAME, "eventing.knative.dev/v1")
    assert found is not None
    told = urllib.parse.urlsplit(found["status"]["address"]["url"])
    service, where, *_ = (told.hostname or "").split(".")
    ingress = urllib.parse.urlsplit(kube.Namespace(namespace.stack, namespace.server, where).service(service).url)
    return dev.Ingress(ingress.hostname or "", ingress.port or 80, told.path)


def _counts(namespace: kube.Namespace) -> bool:
    # What is available is known to the node's proxy a moment later.
    try:
        return namespace.service(_NAME).call("GET", "/count").status == 200
    except OSError:
        return False


def _through(namespace: kube.Namespace, to: dev.Ingress, events: int) -> float:
    sink = namespace.service(_NAME)
    before = sink.call("GET", "/count").json()
    sent = events // dev.PRODUCERS * dev.PRODUCERS
    return dev.through(to, events, settled=lambda: sink.call("GET", "/count").json() - before >= sent)[0]


def _works(namespace: kube.Namespace, version: str, kind: str) -> bool:
    found = namespace.get(kind, _NAME, version)
    return found is not None and record.condition(found, "Available" if kind == "Deployment" else "Ready")


def _objects() -> list[dict[str, Any]]:
    container = {
        "name": _NAME,
        "image": images.RECEIVERS.reference,
        "command": ["patternapp", "serve", "counted:app"],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": _PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
    }
    pod = {"metadata": {"labels": _LABELS}, "spec": {"enableServiceLinks": False, "containers": [container]}}
    broker = {"annotations": {"eventing.knative.dev/broker.class": "MTChannelBasedBroker"}, "name": _NAME}
    sink = {"ref": {"apiVersion": "v1", "kind": "Service", "name": _NAME}}
    trigger = {"broker": _NAME, "filter": {"attributes": {"type": "ping"}}, "subscriber": sink}
    return [
        _object("apps/v1", "Deployment", {"name": _NAME}, {"selector": {"matchLabels": _LABELS}, "template": pod}),
        _object("v1", "Service", {"name": _NAME}, {"selector": _LABELS, "ports": [{"port": 80, "targetPort": _PORT}]}),
        _object("eventing.knative.dev/v1", "Broker", broker, {}),
        _object("eventing.knative.dev/v1", "Trigger", {"name": _NAME}, trigger),
    ]


def _object(version: str, kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
