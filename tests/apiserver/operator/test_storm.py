"""However users, rivals, strangers and faults come together: afterwards everything is as the apps want it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

import harness
import hypothesis
import pytest
from apiserver import conftest as servers
from apiserver.operator import faults, rig, storm
from cluster import definitions
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cluster import api

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
EVENTS: list[dict[str, Any]] = [
    {"name": name, "filters": [{"exact": {"type": f"shop.{name}"}}], "function": "orders"} for name in ("paid", "sent")
]
SPECS: list[dict[str, Any]] = [
    {"eventDriven": EVENTS},
    {"eventDriven": EVENTS[:1]},
    {"eventDriven": EVENTS, "image": "ghcr.io/acme/shop:2"},
    {"eventDriven": EVENTS[1:], "delivery": {"deadLetter": {"uri": "https://dead.example.com/"}}},
]
T = TypeVar("T")
NAMES = st.sampled_from(["one", "two"])
RESOURCES = st.sampled_from(["*", "patternapps", "patternapps/status", "triggers", "services", "configmaps", "leases"])
VERBS = st.sampled_from(["*", "get", "list", "apply", "patch", "create", "update", "delete"])
ACTS = st.sampled_from(
    [
        faults.answering(409),
        faults.answering(410),
        faults.answering(429, retry_after=1),
        faults.answering(500),
        faults.answering(503),
        faults.losing_answer,
    ]
)
TIMES = st.integers(1, 4)
WHICH = st.integers(0, 11)
"""One of what there is: how much that is depends on the replicas, and what Hypothesis draws may not."""
PATCHES: list[dict[str, Any]] = [
    {"metadata": {"labels": None}},
    {"metadata": {"labels": {"patternapp.dev/app": "another"}}},
    {"metadata": {"ownerReferences": None}},
    {"metadata": {"labels": None, "ownerReferences": None}},
    {"metadata": {"managedFields": [{}]}},
]


class Storm(RuleBasedStateMachine):
    """What can happen to two replicas that nothing tells of what their watches lost: there is no other list to help."""

    def __init__(self, sea: storm.Sea) -> None:
        super().__init__()
        self.sea = sea

    def teardown(self) -> None:
        self.sea.calm()
        for name in self.sea.apps():
            self.sea.pause(name, None)
        self.sea.settle()
        for key in list(self.sea.strangers):
            self.sea.leave(key)
        self.sea.settle()
        servers.remove(self.sea.server, self.sea.namespace)

    @rule(name=NAMES, spec=st.sampled_from(SPECS))
    def apply(self, name: str, spec: dict[str, Any]) -> None:
        self.sea.apply(app(name, spec))

    @rule(name=NAMES)
    def delete_and_make_again(self, name: str) -> None:
        self.sea.delete(name)
        self.sea.apply(app(name, SPECS[0]))

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.sea.delete(name)

    @rule(name=NAMES, paused=st.booleans())
    def pause(self, name: str, *, paused: bool) -> None:
        self.sea.pause(name, "true" if paused else None)

    @rule(which=WHICH, patch=st.sampled_from(PATCHES))
    def take_marks_away(self, which: int, patch: dict[str, Any]) -> None:
        for item in one(self.sea.live(), which):
            self.sea.change(item, patch)

    @rule(which=WHICH)
    def edit_an_object(self, which: int) -> None:
        for item in one(self.sea.live(), which):
            edited = copy.deepcopy(item)
            storm.other(edited)
            self.sea.change(item, {key: edited[key] for key in ("spec", "data") if key in edited and edited != item})

    @rule(which=WHICH)
    def delete_an_object(self, which: int) -> None:
        for item in one(self.sea.live(), which):
            self.sea.server.delete(self.sea.kubectl.path(item))

    @rule(name=NAMES, spec=st.sampled_from(SPECS), which=WHICH)
    def a_stranger_takes_a_name(self, name: str, spec: dict[str, Any], which: int) -> None:
        wanted = self.sea.wanted({**app(name, spec), "metadata": {"name": name, "namespace": "x", "uid": "x"}})
        takeable = {key: (key, item) for key, item in wanted.items() if key[0] in storm.STRANGE}
        for key, item in one(takeable, which):
            self.sea.visit(key, item)

    @rule(which=WHICH)
    def a_stranger_leaves(self, which: int) -> None:
        for key in one({key: key for key in self.sea.strangers}, which):
            self.sea.leave(key)

    @rule(number=st.integers(0, 1), verb=VERBS, resource=RESOURCES, act=ACTS, times=TIMES)
    def requests_fail(self, number: int, verb: str, resource: str, act: Any, times: int) -> None:
        self.sea.pods[number].proxy.meet(verb, resource, act, times=times)

    @rule(number=st.integers(0, 1), resource=RESOURCES)
    def a_watch_is_torn(self, number: int, resource: str) -> None:
        self.sea.pods[number].proxy.event("*", resource, faults.TEAR)

    @rule(number=st.integers(0, 1), hanging=st.sampled_from([False, False, False, True]))
    def an_outage_begins(self, number: int, *, hanging: bool) -> None:
        self.sea.pods[number].proxy.go_down(hanging=hanging)

    @rule()
    def everything_is_well_again(self) -> None:
        self.sea.calm()

    @rule()
    def the_leader_hands_over(self) -> None:
        for pod in self.sea.pods:
            if pod.leads():
                pod.end()

    @rule(number=st.integers(0, 1))
    def a_replica_is_killed(self, number: int) -> None:
        self.sea.pods[number].kill()

    @rule(name=NAMES, spec=st.sampled_from(SPECS))
    def a_replica_is_killed_between_inventory_and_creation(self, name: str, spec: dict[str, Any]) -> None:
        holds = [faults.Hold() for _ in self.sea.pods]
        rules = [pod.proxy.meet("apply", "*", hold, times=99) for pod, hold in zip(self.sea.pods, holds, strict=True)]
        self.sea.apply(app(name, spec))
        for pod, hold in zip(self.sea.pods, holds, strict=True):
            if hold.comes(within=1.0):
                pod.kill()
        for rule_, hold in zip(rules, holds, strict=True):
            rule_.left = 0
            hold.release()

    @rule(
        plural=st.sampled_from(["patternapps.patternapp.dev", "triggers.eventing.knative.dev"]), sure=st.integers(0, 3)
    )
    def a_definition_goes_and_comes_back(self, plural: str, sure: int) -> None:
        hypothesis.assume(sure == 0)
        path = f"{DEFINITIONS}/{plural}"
        self.sea.server.delete(path).object()
        harness.eventually(lambda: self.sea.server.get(path).status == 404, within=storm.SETTLED_WITHIN)
        definitions.install(self.sea.server)
        self.sea.strangers = {key: one for key, one in self.sea.strangers.items() if self.sea.kubectl.get(one)}


class LossyStorm(Storm):
    """The same with watches that lose events, which lists find every second."""

    @rule(
        number=st.integers(0, 1),
        kind=st.sampled_from(["*", "ADDED", "MODIFIED", "DELETED"]),
        resource=RESOURCES,
        times=TIMES,
    )
    def events_are_lost(self, number: int, kind: str, resource: str, times: int) -> None:
        self.sea.pods[number].proxy.event(kind, resource, faults.LOSE, times=times)


def one(there: Mapping[storm.Key, T], which: int) -> list[T]:
    """This one of what there is, or none if there is nothing."""
    return [there[sorted(there)[which % len(there)]]] if there else []


def app(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {**rig.changed(**spec), "metadata": {"name": name}}


@pytest.fixture
def fleet(request: pytest.FixtureRequest, account: rig.Account, tmp_path: Path) -> Iterator[list[storm.Pod]]:
    with storm.pods(account, tmp_path, 2, *request.param) as made:
        yield made


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("machine", "examples", "fleet"),
    [(Storm, 8, ("--resync", "3600")), (LossyStorm, 8, ("--resync", "1"))],
    indirect=["fleet"],
    ids=["watched", "listed"],
)
def test_after_a_storm_all_is_as_the_apps_want_it(
    machine: type[Storm], examples: int, fleet: list[storm.Pod], server: api.Api
) -> None:
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )

    class Here(machine):  # type: ignore[valid-type,misc]  # a variable type
        def __init__(self) -> None:
            super().__init__(storm.Sea(server, servers.made(server), fleet))

    run_state_machine_as_test(Here, settings=settings)
