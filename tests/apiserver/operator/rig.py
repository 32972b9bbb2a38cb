"""Replicas of the operator as real processes, and what a user does with `kubectl`."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import harness
import yaml

from patternapp.cluster import capabilities, desired, readiness, resources
from patternapp.render import capabilities as rendering
from patternapp.render import names
from patternapp_operator import permissions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster import api

    from patternapp.render.capabilities import Capabilities

COLLECTED_WITHIN = 90.0
"""Seconds: the garbage collector stops twice a minute to look for new kinds, and waits for those that just went."""
APP: dict[str, Any] = yaml.safe_load("""
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: shop}
spec:
  image: ghcr.io/acme/shop:1
  functions: [{name: orders, handler: "shop.orders:app"}]
  eventDriven:
    - {name: paid, filters: [{exact: {type: shop.paid}}], function: orders}
    - {name: sent, filters: [{exact: {type: shop.sent}}], function: orders}
""")
TRIGGER = ("Triggereventing.knative.dev", "shop-event-driven-paid")
SERVICE = ("Serviceserving.knative.dev", "shop-orders")
CONFIG = ("ConfigMap", "shop-dead-letters")
CLAIM = ("PersistentVolumeClaim", "shop-dead-letters")
KEEPER = ("Deploymentapps", "shop-dead-letters")
STARTED_WITHIN = 90.0
"""Seconds: it imports, asks what there is, and lists everything."""


def changed(**spec: Any) -> dict[str, Any]:
    """The app with other fields in its spec."""
    return APP | {"spec": APP["spec"] | spec}


class Process(Protocol):
    """What a replica needs of its process."""

    def poll(self) -> int | None:
        """None while it runs."""

    def send_signal(self, sig: int, /) -> None:
        """Send a signal."""

    def wait(self, timeout: float | None = None) -> int:
        """Return once it has ended."""


@dataclass
class Replica:
    """One process of the operator."""

    kubeconfig: Path
    log: Path
    lease: str
    options: tuple[str, ...] = ()
    port: int = field(default_factory=harness.free_port)
    process: Process | None = None
    spawn: Callable[..., Process] = subprocess.Popen

    def start(self) -> Replica:
        """Start it; it is ready afterwards."""
        self.launch()
        harness.eventually(lambda: self.get("/readyz") == "ok", within=STARTED_WITHIN)
        return self

    def launch(self) -> None:
        """Start it, and do not wait."""
        flags = ("--namespace", "default", "--lease", self.lease, "--host", "127.0.0.1", "--port", str(self.port))
        # No controller makes a SinkBinding ready here, so nothing is to wait for one.
        quick = ("--discovery", "0.5", "--binding-patience", "0")
        command = (sys.executable, "-m", "patternapp_operator", *flags, *quick, *self.options)
        environment = os.environ | {"KUBECONFIG": str(self.kubeconfig)}
        with self.log.open("ab") as log:
            self.process = self.spawn(command, stdout=log, stderr=log, env=environment)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(harness.DEADLINE)

    def get(self, path: str) -> str | None:
        """What it answers; None where it does not."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            text: str = answer.read().decode()
            return text
        return None

    def metric(self, series: str) -> float:
        """The value of a series of its metrics; 0 where there is none."""
        lines = (self.get("/metrics") or "").splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), 0.0)

    def leads(self) -> bool:
        """Whether it says that it is the one that writes."""
        return self.metric(f'leader_election_master_status{{name="{self.lease}"}}') == 1


@dataclass(frozen=True)
class Account:
    """What an operator is logged in as: a ServiceAccount with exactly the generated roles."""

    kubeconfig: Path
    installation: permissions.Installation


@contextlib.contextmanager
def account(server: api.Api, kubeconfig: Path, folder: Path, **chosen: tuple[str, ...]) -> Iterator[Account]:
    """A new account that the server knows, gone after the block; `chosen` are fields of `permissions.Installation`."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    installation = permissions.Installation(name=name, namespace="default", **chosen)
    items = list(permissions.installed(installation))
    for item in items:
        server.apply(item, namespace=item["metadata"].get("namespace", "")).object()
    token = server.token(installation.namespace, name)
    config = yaml.safe_load(kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    place = folder / f"{name}.kubeconfig"
    place.write_text(json.dumps(config))
    with contextlib.closing(server.with_token(token)) as own:
        harness.eventually(lambda: allowed(own, (*installation.watched, "")[0], "patch", "patternapps/status"))
    yield Account(place, installation)
    for item in items:
        server.delete(server.path(item, item["metadata"].get("namespace", "")))


def allowed(who: api.Api, namespace: str, verb: str, resource: str) -> bool:
    """Whether somebody may do something with PatternApps."""
    name, _, sub = resource.partition("/")
    asked = {"group": "patternapp.dev", "resource": name, "subresource": sub, "verb": verb, "namespace": namespace}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    return bool(who.create(review | {"spec": {"resourceAttributes": asked}}).object()["status"]["allowed"])


@contextlib.contextmanager
def fleet(account: Account, folder: Path) -> Iterator[Callable[..., Replica]]:
    """Makes replicas that share one Lease; those that still run afterwards are killed."""
    made: list[Replica] = []

    def make(*options: str) -> Replica:
        log = folder / f"{len(made)}.log"
        made.append(Replica(account.kubeconfig, log, account.installation.name, options))
        return made[-1]

    try:
        yield make
    finally:
        for replica in made:
            if replica.process is not None and replica.process.poll() is None:
                replica.end(signal.SIGKILL)


@dataclass(frozen=True)
class Kubectl:
    """What a user does in one namespace."""

    server: api.Api
    namespace: str

    def apply(self, app: dict[str, Any]) -> dict[str, Any]:
        """Apply an app."""
        return self.server.apply(app, namespace=self.namespace).object()

    def app(self) -> dict[str, Any]:
        """The app as it is now."""
        return self.server.get(self.server.path(APP, self.namespace)).object()

    def status(self) -> dict[str, Any]:
        """The app's status; empty where it has none."""
        found: dict[str, Any] = self.app().get("status") or {}
        return found

    def condition(self, kind: str = "Ready") -> dict[str, Any]:
        """A condition; empty where there is none."""
        listed = self.status().get("conditions") or ()
        return next((one for one in listed if one["type"] == kind), {})

    def wanted(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What the app wants, by kind and name, in the words of the command line's renderer."""
        made = desired.desired(self.app(), self.capabilities()).objects
        return {(one.kind.kind + one.kind.group, one.ref.name): one.body() for one in made}

    def capabilities(self) -> Capabilities:
        """What the server can do."""
        accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
        # Its content type has parameters, so the client leaves it as text.
        found = self.server.request("GET", "/apis", headers=accept).body
        listed = json.loads(found) if isinstance(found, str) else found
        return capabilities.served(listed).rendering(rendering.DEFAULT, self.namespace)

    def live(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The objects with the app's label, by kind and name."""
        return {
            (kind.kind + kind.group, item["metadata"]["name"]): item
            | {"apiVersion": kind.api_version, "kind": kind.kind}
            for kind in resources.KINDS
            for item in self.listed(kind)
        }

    def listed(self, kind: resources.ApiKind) -> list[dict[str, Any]]:
        """The objects of a kind with the app's label; none where the server has no such kind."""
        path = resources.path(kind, self.namespace)
        answer = self.server.request("GET", path, query=f"labelSelector={names.APP_LABEL}")
        # 429 is what a kind that has just come says for a moment.
        return [] if answer.status in {404, 429} else list(answer.object()["items"])

    def settled(self) -> bool:
        """Whether the status is about the last spec and all that is wanted, and nothing else, is there."""
        app = self.app()
        seen = (app.get("status") or {}).get("observedGeneration")
        return seen == app["metadata"]["generation"] and self.live().keys() == self.wanted().keys()

    def work(self) -> None:
        """Do what the controllers of all objects do when all is well."""
        for item in self.live().values():
            wanted = readiness.CONDITION.get(f"{resources.group(item['apiVersion'])}/{item['kind']}")
            if wanted is not None:
                self.report(item, wanted, "True", "Fine")

    def report(self, item: dict[str, Any], kind: str, status: str, reason: str, message: str = "") -> None:
        """Set a condition of an object, as its controller does; one that is gone meanwhile needs none."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": now}
        told = {"observedGeneration": item["metadata"].get("generation", 1), "conditions": [condition]}
        if item["apiVersion"].startswith("serving"):
            told["url"] = f"http://{item['metadata']['name']}.example.com"
        answer = self.server.merge(f"{self.path(item)}/status", {"status": told})
        assert answer.refusal is None or answer.status == 404, answer.refusal

    def path(self, item: dict[str, Any]) -> str:
        """Where an object is."""
        return self.server.path(item, self.namespace)

    def get(self, item: dict[str, Any]) -> dict[str, Any] | None:
        """An object as it is now; None where there is none."""
        answer = self.server.get(self.path(item))
        return None if answer.status == 404 else answer.object()

    def restored(self, item: dict[str, Any]) -> bool:
        """Whether an object has all that is wanted of it."""
        live = self.get(item)
        return live is not None and covers(live, item)


def covers(live: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there; defaults, and what others added to maps, may stand beside it."""
    match wanted:
        case dict():
            return all(covers(live[key], value) if key in live else value in ({}, []) for key, value in wanted.items())
        case list():
            return len(live) == len(wanted) and all(map(covers, live, wanted))
        case _:
            return bool(live == wanted)
