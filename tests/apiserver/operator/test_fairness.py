"""One bad app never slows another: judged by the order and the number of requests, not by the clock."""

from __future__ import annotations

import contextlib
import threading
import uuid
from typing import TYPE_CHECKING, Any

import harness
import pytest
from apiserver import conftest as servers
from apiserver.operator import faults, rig, storm
from cluster import api

from patternapp_operator import apply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTRIES = 60
"""Functions of a giant app, each with an event; the schema allows 64."""
LATE = 0.2
"""Seconds that each request for the giant's objects takes."""
TURNS = 10
ADMISSION = "admissionregistration.k8s.io/v1"


@pytest.fixture
def elsewhere(server: api.Api) -> Iterator[str]:
    """A second namespace."""
    name = servers.made(server)
    yield name
    servers.remove(server, name)


@pytest.fixture
def pod(account: rig.Account, tmp_path: Path) -> Iterator[storm.Pod]:
    """A replica with one worker, so that whoever keeps it busy is felt."""
    with storm.pods(account, tmp_path, 1, "--workers", "1") as (made,):
        yield made


@pytest.fixture
def wide(account: rig.Account, tmp_path: Path) -> Iterator[storm.Pod]:
    """A replica as it is installed."""
    with storm.pods(account, tmp_path, 1) as (made,):
        yield made


def settled(server: api.Api, namespace: str, pod: storm.Pod) -> storm.Sea:
    """A good app, with all its objects made."""
    sea = storm.Sea(server, namespace, [pod])
    sea.apply(rig.APP)
    sea.comes_right()
    return sea


def corrected(sea: storm.Sea) -> None:
    """Delete an object of the good app, and return once it is there again."""
    trigger = sea.wanted(sea.apps()["shop"])[rig.TRIGGER]
    before = (sea.kubectl.get(trigger) or {})["metadata"]["uid"]
    sea.server.delete(sea.kubectl.path(trigger)).object()
    harness.eventually(lambda: (sea.kubectl.get(trigger) or {}).get("metadata", {}).get("uid", before) != before)


def giant() -> dict[str, Any]:
    numbers = range(ENTRIES)
    functions = [{"name": f"f{number}", "handler": "shop.orders:app"} for number in numbers]
    events = [
        {"name": f"e{number}", "filters": [{"exact": {"type": f"shop.t{number}"}}], "function": f"f{number}"}
        for number in numbers
    ]
    return rig.changed(functions=functions, eventDriven=events) | {"metadata": {"name": "giant"}}


def test_an_app_of_many_objects_leaves_connections_to_others(
    wide: storm.Pod, server: api.Api, namespace: str, elsewhere: str
) -> None:
    good, bad = settled(server, namespace, wide), storm.Sea(server, elsewhere, [wide])
    wide.proxy.meet("apply", "*", faults.late(LATE), namespace=elsewhere, times=faults.ALWAYS)

    bad.apply(giant())
    harness.eventually(bad.writes)
    corrected(good)

    under_way = len([one for one in bad.writes() if one.verb == "apply"])
    assert under_way < ENTRIES
    assert wide.leads()
    harness.eventually(lambda: most(wide, elsewhere) >= apply.AT_ONCE, within=60)
    assert most(wide, elsewhere) == apply.AT_ONCE


def most(pod: storm.Pod, namespace: str) -> int:
    """The most requests that were under way at a time for objects of a namespace."""
    sent = [one.began for one in pod.proxy.requests if one.verb == "apply" and one.namespace == namespace]
    return max((sum(moment <= other < moment + LATE for other in sent) for moment in sent), default=0)


def test_an_app_that_changes_without_end_keeps_nobody_waiting_without_end(
    pod: storm.Pod, server: api.Api, namespace: str, elsewhere: str
) -> None:
    good, bad = settled(server, namespace, pod), storm.Sea(server, elsewhere, [pod])

    with changing(bad) as changes:
        harness.eventually(lambda: len(bad.writes()) > TURNS)
        corrected(good)
        seen = changes()
        harness.eventually(lambda: changes() > seen)


@contextlib.contextmanager
def changing(sea: storm.Sea) -> Iterator[Any]:
    """Change an app ten times a second; how often that was done so far."""
    ended = threading.Event()
    turns: list[int] = []

    def change() -> None:
        with contextlib.closing(api.Api(sea.server.access)) as own:
            while not ended.wait(0.1):
                app = rig.changed(image=f"ghcr.io/acme/shop:{len(turns)}") | {"metadata": {"name": "busy"}}
                own.apply(app, namespace=sea.namespace).object()
                turns.append(1)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield lambda: len(turns)
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def refused(server: api.Api, elsewhere: str) -> Iterator[str]:
    """A namespace in which the server refuses every Trigger, for good."""
    name = f"refused-{uuid.uuid4().hex[:8]}"
    rule = {"apiGroups": ["eventing.knative.dev"], "apiVersions": ["*"], "operations": ["*"], "resources": ["triggers"]}
    policy = {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "message": "no Triggers here"}],
        },
    }
    only = {"matchLabels": {"kubernetes.io/metadata.name": elsewhere}}
    binding = {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": only},
        },
    }
    for item in (policy, binding):
        server.create(item).object()
    yield elsewhere
    for item in (binding, policy):
        server.delete(server.path(item)).object()


def test_an_app_whose_objects_are_refused_for_good_is_tried_less_and_less_and_slows_nobody(
    pod: storm.Pod, server: api.Api, namespace: str, refused: str
) -> None:
    good, bad = settled(server, namespace, pod), rig.Kubectl(server, refused)
    trigger = good.wanted(good.apps()["shop"])[rig.TRIGGER] | {"metadata": {"name": "probe"}}
    harness.eventually(lambda: server.judge(trigger, namespace=refused).status == 422)
    bad.apply(rig.APP)
    harness.eventually(lambda: bad.condition("EventDriven").get("reason") == "Rejected")
    before = tries(pod, refused)

    for _ in range(TURNS):
        corrected(good)

    # Twice as long each time: in so many seconds, at most so many tries of two Triggers.
    assert tries(pod, refused) - before <= 2 * 7
    assert "no Triggers here" in bad.condition("EventDriven")["message"]
    assert bad.condition("Functions")["reason"] != "Rejected"


def tries(pod: storm.Pod, namespace: str) -> int:
    requests = list(pod.proxy.requests)
    return sum((one.verb, one.resource, one.namespace) == ("apply", "triggers", namespace) for one in requests)


def test_a_hundred_objects_that_go_at_once_come_back_at_once(wide: storm.Pod, server: api.Api, namespace: str) -> None:
    sea = storm.Sea(server, namespace, [wide])
    sea.apply(giant())
    sea.comes_right()
    made = {key: item["metadata"]["uid"] for key, item in sea.live().items()}

    for collection in (
        "eventing.knative.dev/v1/namespaces/{}/triggers",
        "serving.knative.dev/v1/namespaces/{}/services",
    ):
        server.delete(f"/apis/{collection.format(namespace)}").object()

    sea.comes_right()
    again = {key for key, item in sea.live().items() if item["metadata"]["uid"] != made[key]}
    assert len(again) >= 2 * ENTRIES
