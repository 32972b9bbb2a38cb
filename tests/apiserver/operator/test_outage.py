"""Replicas that are cut off from the server, and watches that fail from within."""

from __future__ import annotations

import itertools
import json
import time
from typing import TYPE_CHECKING

import harness
import pytest
from apiserver.operator import faults, rig, storm

from patternapp.cluster import resources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import api

OUTAGE = 120.0
"""Seconds."""
NAMES = ("one", "two", "three", "four")
ELSEWHERE = {"deadLetter": {"uri": "https://dead.example.com/"}}
TAKEN_WITHIN = 60.0
"""Seconds; a lease that is not renewed is taken after 15 to 17."""
TURNS = 3


@pytest.fixture
def sea(account: rig.Account, server: api.Api, namespace: str, tmp_path: Path) -> Iterator[storm.Sea]:
    with storm.pods(account, tmp_path, 2) as pods:
        yield storm.Sea(server, namespace, pods)


def app(name: str, **spec: object) -> dict[str, object]:
    return rig.changed(**spec) | {"metadata": {"name": name}}


def leading(sea: storm.Sea) -> storm.Pod:
    """The replica that leads."""
    found: storm.Pod = harness.eventually(lambda: next((pod for pod in sea.pods if pod.leads()), None))
    return found


@pytest.mark.timeout(900)
def test_what_happened_in_an_outage_of_two_minutes_is_made_good_by_the_same_processes(sea: storm.Sea) -> None:
    # Given four apps
    for name in NAMES:
        sea.apply(app(name))
    sea.settle()
    processes = [pod.replica.process for pod in sea.pods]

    # When for two minutes one replica is refused and the other gets no answer, and meanwhile apps and objects change
    began = time.monotonic()
    for pod, hanging in zip(sea.pods, (False, True), strict=True):
        pod.proxy.go_down(hanging=hanging)
    sea.apply(app("one", image="ghcr.io/acme/shop:2"))
    sea.apply(app("two", delivery=ELSEWHERE))
    sea.delete("three")
    sea.delete("four")
    sea.apply(app("four", eventDriven=rig.APP["spec"]["eventDriven"][:1]))
    sea.apply(app("five"))
    for item in sea.of("one"):
        if item["kind"] in {"Trigger", "ConfigMap"}:
            sea.server.delete(sea.kubectl.path(item)).object()
        elif item["kind"] == "Service":
            sea.change(item, {"metadata": {"labels": None, "ownerReferences": None}})
    harness.eventually(lambda: sea.apps() and time.monotonic() > began + OUTAGE, within=2 * OUTAGE)
    assert [pod.replica.get("/livez") for pod in sea.pods] == ["ok", "ok"]
    for pod in sea.pods:
        pod.proxy.heal()

    # Then all is made good, and no replica had to be started again
    sea.comes_right()
    sea.settle()
    assert [pod.replica.process for pod in sea.pods] == processes
    assert sea.apps().keys() == {"one", "two", "four", "five"}


@pytest.mark.parametrize("hanging", [False, True], ids=["refused", "hanging"])
def test_a_leader_that_is_cut_off_writes_nothing_more_before_another_begins(
    hanging: bool,  # noqa: FBT001 - a parameter of the test
    sea: storm.Sea,
) -> None:
    # Given a leader with a write under way
    first = leading(sea)
    second = next(pod for pod in sea.pods if pod is not first)
    hold = faults.Hold()
    sea.apply(app("one"))
    sea.settle()
    first.proxy.meet("apply", "*", hold, times=faults.ALWAYS)
    sea.apply(app("one", image="ghcr.io/acme/shop:2"))
    hold.wait()

    # When it is cut off
    first.proxy.go_down(hanging=hanging)
    harness.eventually(second.leads, within=TAKEN_WITHIN)
    sea.apply(app("one", image="ghcr.io/acme/shop:3"))
    sea.comes_right()

    # Then what it had under way is given up, and nothing of it comes after the other's first write
    hold.release()
    first.proxy.heal()
    harness.eventually(lambda: first.replica.metric('rest_client_requests_total{code="200",method="GET"}'))
    sea.settle()
    begun = min(one.sent or 0.0 for one in second.proxy.writes() if one.namespace == sea.namespace)
    late = [one for one in first.proxy.writes() if one.namespace == sea.namespace and (one.sent or 0.0) >= begun]
    assert late == []


def test_writes_of_replicas_never_overlap_however_often_the_lead_changes(sea: storm.Sea) -> None:
    for turn in range(TURNS):
        before = leading(sea)
        (other,) = (pod for pod in sea.pods if pod is not before)
        for name in NAMES:
            sea.apply(app(name, image=f"ghcr.io/acme/shop:{turn}"))
        before.proxy.meet("update", "leases", faults.answering(500), times=faults.ALWAYS)
        harness.eventually(other.leads, within=TAKEN_WITHIN)
        before.proxy.heal()
    sea.settle()

    terms = [number for number, _ in sorted(sent(sea), key=lambda write: write[1])]

    changes = sum(one != other for one, other in itertools.pairwise(terms))
    assert 0 < changes <= TURNS


def sent(sea: storm.Sea) -> list[tuple[int, float]]:
    """Which replica wrote, and when."""
    every = ((number, one) for number, pod in enumerate(sea.pods) for one in pod.proxy.writes())
    return [(number, one.sent or 0.0) for number, one in every if one.namespace == sea.namespace]


def failure(code: int) -> bytes:
    """What a server says inside a watch."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "injected", "code": code}
    return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"


def test_a_watch_that_is_too_old_begins_anew(sea: storm.Sea) -> None:
    sea.apply(app("one"))
    sea.settle()
    first = leading(sea)
    item = sea.wanted(sea.apps()["one"])["Triggereventing.knative.dev", "one-event-driven-paid"]

    first.proxy.event("*", "triggers", failure(410))
    sea.server.delete(sea.kubectl.path(item)).object()

    sea.comes_right()
    assert first.alive()


def test_a_watch_that_is_refused_leaves_one_watch_of_each_kind_when_all_began_anew(sea: storm.Sea) -> None:
    first = leading(sea)
    kinds = {kind.definition for kind in resources.KINDS if sea.server.serves(kind.api_version, kind.kind)}
    watched = sorted({*kinds, resources.APP_KIND.definition})
    harness.eventually(lambda: first.proxy.watches() == watched)

    refused = first.proxy.meet("watch", "triggers", faults.answering(404))
    first.proxy.event("*", "triggers", faults.TEAR)
    sea.apply(app("one"))

    harness.eventually(lambda: refused.left == 0)
    harness.eventually(lambda: first.proxy.watches() == watched)
    sea.settle()
    assert first.proxy.watches() == watched


def test_a_replica_with_a_dead_watch_ends_and_hands_the_lead_over(sea: storm.Sea) -> None:
    sea.apply(app("one"))
    sea.settle()
    first = leading(sea)
    second = next(pod for pod in sea.pods if pod is not first)
    item = sea.wanted(sea.apps()["one"])["Triggereventing.knative.dev", "one-event-driven-paid"]

    first.proxy.event("*", "triggers", failure(500))
    sea.server.delete(sea.kubectl.path(item)).object()

    harness.eventually(lambda: not first.alive())
    assert first.replica.process is not None
    assert first.replica.process.poll() != 0
    harness.eventually(second.leads, within=TAKEN_WITHIN)
    sea.comes_right()
