"""From a request to a Knative Service without Pods to its first answer: ours beside its peers, in turns.

What holds here: Knative settings, resources and events are the same for all. A start begins when no Pod of its Service
is left, those that say goodbye included; each receiver has several Services, so that while some say goodbye others can
start. The first start of a Service, which Knative makes unasked, does not count.

The kubelet looks at its containers once a second, and tells of a Pod's address only then. So one start is known to no
better than a second; what is gained shows in the mean of many. Pods go at such a look too, so each turn waits a share
of a second of its own, the same for all: the starts of everybody begin everywhere between two looks.
"""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import harness
import receiver
from e2e import web
from peers import receivers
from real import images, record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from e2e import kube

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SERVICES = int(os.environ.get("SERVICES", "8"))
"""Of each receiver; as many starts are seen in a round."""
_API = "serving.knative.dev/v1"
_PORT = 8080
_GONE = 600.0
"""Seconds within which a Service without requests has no Pod: its window, what the autoscaler and its Pods wait."""
_READY = 600.0
_LOOK = 1.0
"""Seconds between two looks of the kubelet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A receiver in an image.

    Attributes:
        name: As in the other tables.
        image: Its image.
        command: What its container runs.
        folder: Where.
        env: Its environment.
    """

    name: str
    image: images.Image
    command: Sequence[str]
    folder: str
    env: Mapping[str, str]

    def services(self) -> list[str]:
        """The names of its Services."""
        label = self.image.name if self.folder == "/srv" else self.folder.rpartition("/")[2]
        return [f"{label}-{number}" for number in range(SERVICES)]


class Start(NamedTuple):
    """Seconds of one start: until the kubelet told of the Pod's address, which nothing in it can hasten, and in all."""

    addressed: float
    answered: float

    @property
    def after(self) -> float:
        """What the receiver was waited for beyond that; little below 0 where Knative knew before this process."""
        return self.answered - self.addressed


_UVICORN = (*receivers.FASTAPI.command[:2], "--host", "0.0.0.0", *receivers.FASTAPI.command[2:])  # noqa: S104 - in a Pod
CONTESTANTS = (
    Contestant(
        name=receivers.OURS.name,
        image=images.RECEIVERS,
        command=("patternapp", "serve", "main:app", "--timeout", "29"),
        folder="/srv/ours",
        env={},
    ),
    Contestant(
        name=receivers.FASTAPI.name,
        image=images.RECEIVERS,
        command=[word.format(port=_PORT) for word in _UVICORN],
        folder="/srv/fastapi",
        env={},
    ),
    Contestant(
        name=receivers.FUNC_PYTHON.name,
        image=images.FUNC_PYTHON,
        command=receivers.FUNC_PYTHON.command,
        folder="/srv",
        env={"LISTEN_ADDRESS": f"0.0.0.0:{_PORT}"},
    ),
)


def measure(namespace: kube.Namespace) -> Mapping[str, list[Start]]:
    """Each receiver's starts, in the order in which they took turns."""
    for contestant in CONTESTANTS:
        for name in contestant.services():
            namespace.apply(_service(contestant, name))
    for contestant in CONTESTANTS:
        for name in contestant.services():
            harness.eventually(functools.partial(_is_ready, namespace, name), within=_READY)
    watched = record.Record(namespace, {("v1", "Pod")})
    harness.eventually(lambda: watched.complete)
    starts: dict[str, list[Start]] = {one.name: [] for one in CONTESTANTS}
    for turn in range(turns := ROUNDS * SERVICES):
        for contestant in CONTESTANTS if turn % 2 else reversed(CONTESTANTS):
            name = contestant.services()[turn % SERVICES]
            starts[contestant.name].append(_start(namespace, watched, name, after=_LOOK * turn / turns))
    for contestant in CONTESTANTS:
        for name in contestant.services():
            namespace.delete(_service(contestant, name))
    return starts


def _start(namespace: kube.Namespace, watched: record.Record, name: str, *, after: float) -> Start:
    pods = functools.partial(namespace.listed, "Pod", selector=f"serving.knative.dev/service={name}")
    harness.eventually(lambda: not pods(), within=_GONE)
    time.sleep(after)  # between two looks of the kubelet
    address = web.Address(namespace.stack.internal, f"{name}.{namespace.name}.svc.cluster.local")
    began = time.monotonic()
    answer = address.send("order.placed", receiver.DATA)
    answered = time.monotonic() - began
    assert 200 <= answer.status < 300, f"{name}: {answer.status} {answer.body!r}"
    (pod,) = pods()
    told = harness.eventually(lambda: watched.since("Pod", pod["metadata"]["name"], _has_address))
    return Start(told - began, answered)


def _has_address(pod: record.Object) -> bool:
    return bool((pod.get("status") or {}).get("podIP"))


def _is_ready(namespace: kube.Namespace, name: str) -> bool:
    found = namespace.get("Service", name, _API)
    return found is not None and record.condition(found, "Ready")


def _service(contestant: Contestant, name: str) -> dict[str, Any]:
    container = {
        "image": contestant.image.reference,
        "command": list(contestant.command),
        "workingDir": contestant.folder,
        "env": [{"name": key, "value": value} for key, value in contestant.env.items()],
        "ports": [{"containerPort": _PORT}],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
    }
    scaling = {"min-scale": "0", "max-scale": "1", "window": "6s"}
    template = {
        "metadata": {"annotations": {f"autoscaling.knative.dev/{key}": value for key, value in scaling.items()}},
        "spec": {"timeoutSeconds": 60, "enableServiceLinks": False, "containers": [container]},
    }
    labels = {"networking.knative.dev/visibility": "cluster-local"}
    return {
        "apiVersion": _API,
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": {"template": template},
    }
