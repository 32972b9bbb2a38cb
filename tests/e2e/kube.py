"""The cluster as the tests use it: a namespace of one's own, an app in it, its Pods, and ways to talk to it.

What holds here: nothing is read but from the cluster itself, so what a test sees is what a user sees.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import harness
import yaml
from e2e import images, web

from patternapp.cli import forward
from patternapp.cluster import state as app_state
from patternapp.render import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster import api
    from cluster.stack import state

Object = dict[str, Any]
WITHIN = 180.0
"""Seconds that anything on the cluster may take to come true."""
POD_SECURITY = "pod-security.kubernetes.io"
_BROKERS = ("knative-eventing", "broker-ingress")
_LINES = 60
"""Of a container's log, in the report of a test that failed."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace, and what is in it."""

    stack: state.Stack
    server: api.Api
    name: str

    def path(self, kind: str, version: str = "v1") -> str:
        """Where objects of a kind of this namespace are."""
        return self.server.collection(version, kind, self.name)

    def listed(self, kind: str, version: str = "v1", *, selector: str = "") -> list[Object]:
        """The objects of a kind that have labels."""
        answer = self.server.request("GET", self.path(kind, version), query=f"labelSelector={selector}")
        found: list[Object] = answer.object()["items"]
        return found

    def get(self, kind: str, name: str, version: str = "v1") -> Object | None:
        """An object, None where there is none of that name."""
        answer = self.server.get(f"{self.path(kind, version)}/{name}")
        return None if answer.status == 404 else answer.object()

    def apply(self, item: Mapping[str, Any]) -> Object:
        """Apply an object on the server's side."""
        return self.server.apply(item, namespace=self.name).object()

    def delete(self, item: Mapping[str, Any]) -> None:
        """Delete an object, whether it is there or not."""
        answer = self.server.delete(self.server.path(item, self.name))
        assert answer.status in {200, 202, 404}, answer.body

    def app(self, manifest: Mapping[str, Any] | str, *, within: float = WITHIN) -> App:
        """Apply a PatternApp, or the YAML of one, and wait until it is Ready."""
        item = yaml.safe_load(manifest) if isinstance(manifest, str) else manifest
        self.apply(item)
        app = App(self, item["metadata"]["name"])
        harness.eventually(app.ready, within=within)
        return app

    def pods(self, selector: str = "") -> list[Object]:
        """The Pods with labels that are not on their way out."""
        found = self.listed("Pod", selector=selector)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def logs(self, pod: str, container: str = "", *, lines: int = 0) -> str:
        """What a container of a Pod has printed; the whole, or the last lines."""
        chosen = [f"container={container}"] if container else []
        query = "&".join([*chosen, *([f"tailLines={lines}"] if lines else [])])
        answer = self.server.request("GET", f"{self.path('Pod')}/{pod}/log", query=query)
        return answer.body if isinstance(answer.body, str) else json.dumps(answer.body)

    def service(self, name: str) -> web.Address:
        """A Service's ClusterIP and first port."""
        found = self.get("Service", name)
        assert found is not None, f"there is no Service {self.name}/{name}"
        return web.Address(f"http://{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}")

    def knative(self, name: str) -> web.Address:
        """A Knative Service, as anything in the cluster calls it."""
        return web.Address(self.stack.internal, f"{name}.{self.name}.svc.cluster.local")

    def told(self) -> str:
        """Pods, Events, apps and logs, for the report of a test that failed."""
        parts = [f"namespace {self.name}"]
        if self.server.serves("patternapp.dev/v1alpha1", "PatternApp"):
            parts += [_app_line(item) for item in self.listed("PatternApp", "patternapp.dev/v1alpha1")]
        for event in sorted(
            self.listed("Event"), key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime"))
        ):
            about = event["involvedObject"]
            parts.append(f"{event.get('type')} {about.get('kind')}/{about.get('name')} {event.get('message')}")
        for pod in self.listed("Pod"):
            parts.append(f"Pod {pod['metadata']['name']}: {pod['status'].get('phase')}")
            for container in pod["spec"]["containers"]:
                log = self.logs(pod["metadata"]["name"], container["name"], lines=_LINES)
                parts.append(f"--- {pod['metadata']['name']} {container['name']}\n{log}")
        return "\n".join(parts)


def _when(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime"))


def _event_line(event: Object) -> str:
    about = event["involvedObject"]
    return f"{_when(event)} {event.get('type')} {about.get('kind')}/{about.get('name')}: {event.get('message')}"


def _app_line(item: Object) -> str:
    return f"PatternApp {item['metadata']['name']}: {json.dumps(item.get('status'))}"


@dataclass(frozen=True, slots=True)
class App:
    """A PatternApp in a namespace."""

    namespace: Namespace
    name: str
    version: str = field(default="patternapp.dev/v1alpha1", init=False)

    def live(self) -> Object:
        """The PatternApp as it is now."""
        found = self.namespace.get("PatternApp", self.name, self.version)
        assert found is not None, f"there is no PatternApp {self.namespace.name}/{self.name}"
        return found

    def ready(self) -> bool:
        """Whether its last change works, by what the operator says."""
        told = app_state.brief(self.live())
        return told.current and told.said.status == "True"

    @property
    def broker(self) -> web.Address:
        """The ingress of its Broker; what it answers 202 to is kept."""
        where, service = _BROKERS
        found = Namespace(self.namespace.stack, self.namespace.server, where).service(service)
        return web.Address(f"{found.url}/{self.namespace.name}/{names.broker(self.name)}")

    def function(self, name: str) -> web.Address:
        """A function's Knative Service."""
        return self.namespace.knative(names.function(self.name, name))

    def own(self, role: str) -> web.Address:
        """One of our services of it that are Knative Services: gateway, webhooks, bucket-events, enqueue."""
        return self.namespace.knative(names.own(self.name, role))

    def running(self, function: str) -> list[Object]:
        """A function's Pods that are not on their way out."""
        return self.namespace.pods(f"serving.knative.dev/service={names.function(self.name, function)}")

    def replicas(self, key: str) -> int:
        """How many workers a queue (`queue/NAME`) or a stream (`stream/NAME`) is told to have."""
        found = self.namespace.get("Deployment", names.worker(self.name, key), "apps/v1")
        assert found is not None, f"{self.name} has no worker {key}"
        return int(found["spec"].get("replicas", 1))

    @contextlib.contextmanager
    def letters(self) -> Iterator[web.Address]:
        """Its dead letters' API, through a way into the Pod that nobody but who may forward ports has."""
        config = str(self.namespace.stack.kubeconfig)
        place = forward.Place(app=self.name, namespace=self.namespace.name, kubeconfig=config)
        with forward.forwarded(place) as url:
            yield web.Address(url)

    def dead(self) -> list[Object]:
        """Its dead letters, at most 1000."""
        with self.letters() as letters:
            found: list[Object] = letters.call("GET", "/api/dead-letters").json()["deadLetters"]
        return found


def manifest(name: str, spec: str, *, image: str = "shop") -> Object:
    """A PatternApp with an image of this tree; `spec` is the YAML below `spec:`."""
    return {
        "apiVersion": "patternapp.dev/v1alpha1",
        "kind": "PatternApp",
        "metadata": {"name": name},
        "spec": {"image": images.reference(image), **yaml.safe_load(spec)},
    }


def make(stack: state.Stack, server: api.Api, *, name: str = "", level: str = "restricted") -> Namespace:
    """A namespace that admits only Pods of a level, with a name of its own where none is given."""
    chosen = name or f"e2e-{uuid.uuid4().hex[:8]}"
    labels = {f"{POD_SECURITY}/{mode}": level for mode in ("enforce", "warn")}
    server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": chosen, "labels": labels}}).object()
    return Namespace(stack, server, chosen)


def remove(namespace: Namespace) -> None:
    """Have a namespace deleted with all that is in it; nobody waits for the half minute in which Pods say goodbye."""
    answer = namespace.server.delete(f"/api/v1/namespaces/{namespace.name}")
    assert answer.status in {200, 404, 409}, answer.body
