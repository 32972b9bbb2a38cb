"""Two replicas behind proxies, users, rivals and strangers in one namespace: what a storm acts on and is judged by.

What holds here: `settle` returns only when the cluster is exactly what the apps ask for, and nobody writes any more.
"""

from __future__ import annotations

import contextlib
import copy
import signal
import subprocess
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import harness
from apiserver.operator import proxy as proxying
from apiserver.operator import rig

from patternapp.cluster import desired, resources
from patternapp.render import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from apiserver.operator import faults
    from cluster import api

    from patternapp.cluster.resources import Object

Key = tuple[str, str]
"""Kind and name of an object."""
SETTLED_WITHIN = 120.0
"""Seconds: a request that hangs ends after 30, and the longest wait between two tries is 60."""
ROUNDS = 2
STRANGE = frozenset({"ConfigMap", "Triggereventing.knative.dev", "Serviceserving.knative.dev"})
"""Kinds of which there are objects of somebody else."""
MERGE = {"Content-Type": "application/merge-patch+json"}


@dataclass
class Pod:
    """A replica behind a proxy of its own; like the kubelet, it starts the replica again when that has ended."""

    replica: rig.Replica
    proxy: proxying.Proxy

    def alive(self) -> bool:
        """Whether the replica runs."""
        process = self.replica.process
        return process is not None and process.poll() is None

    def leads(self) -> bool:
        """Whether the replica says that it leads."""
        return self.alive() and self.replica.leads()

    def end(self) -> None:
        """Ask the replica to end, and wait until it has."""
        if self.alive():
            self.replica.end()

    def kill(self) -> None:
        """End the replica as a crash does."""
        if self.alive():
            self.replica.end(signal.SIGKILL)

    def start(self) -> None:
        """Start the replica, and do not wait until it is ready."""
        if not self.alive():
            self.replica.launch()

    def ensure(self) -> None:
        """Start the replica if it has ended; its network is fine."""
        if not self.alive():
            self.replica.start()


@contextlib.contextmanager
def pods(
    account: rig.Account, folder: Path, count: int, *options: str, spawn: Callable[..., rig.Process] = subprocess.Popen
) -> Iterator[list[Pod]]:
    """Replicas that share one Lease and run; each keeps its name, as a Pod does when its container starts again."""
    lease = account.installation.name
    with contextlib.ExitStack() as stack:
        made = []
        for number in range(count):
            proxy = proxying.Proxy(account.kubeconfig, folder / f"kubeconfig-{number}")
            stack.enter_context(proxy.running())
            flags = ("--identity", f"{lease}-{number}", *options)
            replica = rig.Replica(proxy.kubeconfig, folder / f"{number}.log", lease, flags, spawn=spawn)
            made.append(Pod(replica, proxy))
            stack.callback(made[-1].kill)
            made[-1].ensure()
        yield made


@dataclass
class Sea:
    """One namespace of one server, and what happens in it."""

    server: api.Api
    namespace: str
    pods: list[Pod]
    strangers: dict[Key, Object] = field(default_factory=dict)
    """Objects of somebody else, as the server had them when they were made."""

    def __post_init__(self) -> None:
        self.kubectl = rig.Kubectl(self.server, self.namespace)
        self.capabilities = self.kubectl.capabilities()

    def apps(self) -> dict[str, Object]:
        """The apps that there are, by name; none while the definition is away."""
        answer = self.server.get(resources.path(resources.APP_KIND, self.namespace))
        return (
            {}
            if answer.status == 404
            else {item["metadata"]["name"]: _whole(item) for item in answer.object()["items"]}
        )

    def wanted(self, app: Object) -> dict[Key, Object]:
        """What an app asks for."""
        made = desired.desired(app, self.capabilities).objects
        return {(one.kind.kind + one.kind.group, one.ref.name): one.body() for one in made}

    def live(self) -> dict[Key, Object]:
        """The objects with the label of an app."""
        return self.kubectl.live()

    def of(self, app: str) -> list[Object]:
        """The objects with the label of this app."""
        return [item for item in self.live().values() if item["metadata"]["labels"][names.APP_LABEL] == app]

    def apply(self, app: Object) -> None:
        """A user applies an app; it may be that there is no such thing as an app just now."""
        self.server.apply(app, namespace=self.namespace)

    def delete(self, name: str) -> None:
        """A user deletes an app."""
        self.server.delete(resources.path(resources.APP_KIND, self.namespace, name))

    def pause(self, name: str, word: str | None) -> None:
        """A user pauses an app, or lets it go on."""
        patch = {"metadata": {"annotations": {resources.PAUSED: word}}}
        self.server.merge(resources.path(resources.APP_KIND, self.namespace, name), patch)

    def change(self, item: Object, patch: Mapping[str, Any]) -> None:
        """Change an object as a rival does, if it is still there."""
        self.server.request("PATCH", self.kubectl.path(item), patch, query="fieldManager=rival", headers=MERGE)

    def visit(self, key: Key, item: Object) -> None:
        """Make an object of somebody else where an app wants its own, unless it is taken."""
        theirs = copy.deepcopy(item)
        theirs["metadata"] = {"name": item["metadata"]["name"]}
        other(theirs)
        answer = self.server.create(theirs, namespace=self.namespace)
        if answer.status == 201:
            self.strangers[key] = answer.object()

    def leave(self, key: Key) -> None:
        """The object of somebody else goes."""
        self.server.delete(self.kubectl.path(self.strangers.pop(key))).object()

    def calm(self) -> None:
        """The faults end, and what ended starts again."""
        for pod in self.pods:
            pod.proxy.heal()
        for pod in self.pods:
            pod.ensure()

    def settle(self) -> None:
        """Return once all is as the apps want it, and stays so; like the kubelet, start replicas that ended."""
        self.comes_right(self._kept_right)
        self.stays_still()

    def comes_right(self, right: Callable[[], bool] | None = None) -> None:
        """Return once all is as the apps want it."""
        try:
            harness.eventually(right or self._right, within=SETTLED_WITHIN)
        except AssertionError:
            raise AssertionError(f"it did not come right: {self.wrong()}") from None

    def _right(self) -> bool:
        return not self.wrong()

    def _kept_right(self) -> bool:
        for pod in self.pods:
            pod.ensure()
        return self._right()

    def wrong(self) -> list[str]:
        """What is not as it should be."""
        apps, live = self.apps(), self.live()
        wanted = {name: self.wanted(app) for name, app in apps.items()}
        every = {key: item for items in wanted.values() for key, item in items.items()}
        found = [f"missing: {key}" for key in every if key not in live and key not in self.strangers]
        found += [f"wrong: {key}" for key in every.keys() & live.keys() if not rig.covers(live[key], every[key])]
        blocked = {name for name, items in wanted.items() if items.keys() & self.strangers.keys()}
        found += [f"left over: {key}" for key, item in live.items() if self._orphan(key, item, every, blocked)]
        for key, before in self.strangers.items():
            if self.kubectl.get(before) != before:
                found.append(f"touched: {key}")
        return found + [
            f"status of {name}: {why}" for name, app in apps.items() if (why := self._told(app, name in blocked))
        ]

    def told(self) -> bool:
        """Whether the status of every app is about its last spec: nothing is written after that."""
        statuses = ((app.get("status") or {}, app["metadata"]["generation"]) for app in self.apps().values())
        return all(status.get("observedGeneration") == generation for status, generation in statuses)

    def stays_still(self) -> None:
        """Fail if anybody writes although nothing changes that concerns the operator."""
        leader = harness.eventually(lambda: next((pod for pod in self.pods if pod.leads()), None))
        # The run that wrote the last status ends with an Event.
        harness.eventually(lambda: leader.replica.metric("patternapp_queue_active") == 0)
        before = self.writes()
        for _ in range(ROUNDS):
            self._touch(leader)
        after = self.writes()
        assert after == before, f"written although nothing changed: {after[len(before) :]}"

    def writes(self) -> list[faults.Request]:
        """The writes of all replicas in this namespace, in the order in which they were sent."""
        sent = [one for pod in self.pods for one in pod.proxy.writes() if one.namespace == self.namespace]
        return sorted(sent, key=lambda one: one.sent or 0.0)

    def _orphan(self, key: Key, item: Object, every: Mapping[Key, Object], blocked: set[str]) -> bool:
        """Whether an object is left over; claims are kept, and nothing is pruned while a stranger is in the way."""
        kept = key[0] in resources.STATEFUL or item["metadata"]["labels"][names.APP_LABEL] in blocked
        return key not in every and not kept

    def _told(self, app: Object, blocked: bool) -> str:  # noqa: FBT001 - a fact about the app
        status = app.get("status") or {}
        if status.get("observedGeneration") != app["metadata"]["generation"]:
            return "it is about an earlier spec"
        ready = next(one for one in status["conditions"] if one["type"] == "Ready")
        if blocked != (ready["reason"] == "Conflict"):
            return f"Ready is {ready['status']} because of {ready['reason']}: {ready['message']}"
        listed = {(item["kind"] + resources.group(item["apiVersion"]), item["name"]) for item in status["inventory"]}
        missed = self.wanted(app).keys() - listed
        return f"not in the inventory: {missed}" if missed else ""

    def _touch(self, leader: Pod) -> None:
        """Change in every app what does not concern the operator, and wait until it has looked."""
        apps, reconciled = self.apps(), self._reconciled(leader)
        for app in apps.values():
            self.change(app, {"metadata": {"labels": {"theirs": uuid.uuid4().hex}}})
        harness.eventually(lambda: self._reconciled(leader) >= reconciled + len(apps))

    @staticmethod
    def _reconciled(pod: Pod) -> float:
        return pod.replica.metric('patternapp_reconciles_total{result="ok"}')


def other(item: Object) -> None:
    """Let an object differ from what the operator wants in fields that both set."""
    match item["kind"]:
        case "ConfigMap":
            item["data"] = dict.fromkeys(item.get("data", {}), "theirs")
        case "Trigger":
            item["spec"]["broker"] = "theirs"
        case "Service":
            item["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/theirs/app:1"


def _whole(item: Object) -> Object:
    """An item of a list with what the list says once."""
    return {"apiVersion": resources.APP_API, "kind": resources.APP_KIND.kind} | item
