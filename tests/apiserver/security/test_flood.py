"""A15: a tenant who writes as many and as large apps as the server takes, judged by order and the kernel's limits."""

from __future__ import annotations

import contextlib
import json
import queue
import resource
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import harness
import pytest
from apiserver.operator import rig, storm
from cluster import api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FLOOD = 500
WRITERS = 4
SOON = 50
"""Apps of the flood that may come before a neighbor's, which was written after it: what was begun, and a few turns."""
MEMORY = 384 * 1024 * 1024
"""Bytes of its own that a replica may have at most; one without apps has a hundred million."""


def named(name: str) -> dict[str, Any]:
    return rig.APP | {"metadata": {"name": name}}


def flood(server: api.Api, namespace: str) -> None:
    """Make so many apps, several at a time."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for number in range(FLOOD):
        waiting.put(f"flood-{number}")

    def write() -> None:
        with contextlib.closing(api.Api(server.access)) as own, contextlib.suppress(queue.Empty):
            while True:
                own.create(named(waiting.get_nowait()), namespace=namespace).object()

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def pod(account: rig.Account, tmp_path: Path) -> Iterator[storm.Pod]:
    """A replica as it is installed, whose requests are seen."""
    with storm.pods(account, tmp_path, 1) as (made,):
        yield made


@pytest.mark.timeout(600)
def test_five_hundred_apps_of_one_namespace_let_another_s_go_first(
    pod: storm.Pod, kubectl: rig.Kubectl, victim: rig.Kubectl
) -> None:
    flood(kubectl.server, kubectl.namespace)
    before = len(done(pod, kubectl.namespace))
    assert before < FLOOD / 2, "the flood was over before the neighbor came; it has to be larger"

    victim.apply(rig.APP)
    harness.eventually(victim.settled, within=120)

    assert len(done(pod, kubectl.namespace)) - before < SOON
    assert pod.replica.get("/livez") == "ok"


def done(pod: storm.Pod, namespace: str) -> set[str]:
    """The apps of a namespace that have a Broker, which is nearly the first of what they are made of."""
    return {
        one.name
        for one in list(pod.proxy.requests)
        if (one.namespace, one.resource) == (namespace, "brokers") and one.verb == "apply"
    }


def largest(**spec: Any) -> dict[str, Any]:
    """An app as large as the server takes; it stores a million and a half bytes."""
    app = rig.changed(**spec)
    assert 1_000_000 < len(json.dumps(app)) < 1_400_000
    return app


def amplified() -> dict[str, Any]:
    """Sixty-four functions, each of which gets a million characters of variables, in its worker too."""
    env = [{"name": f"V{number}", "value": "x" * 17_000} for number in range(64)]
    functions = [{"name": f"f{number}", "handler": "shop:app"} for number in range(64)]
    queues = [{"name": f"q{number}", "function": f"f{number}", "rabbitmq": {"secretName": "s"}} for number in range(64)]
    return largest(env=env, functions=functions, queues=queues, eventDriven=[])


def filtered() -> dict[str, Any]:
    """Fifty thousand conditions, each of which every rule looks at."""
    conditions = [{"all": [{"exact": {"a": "b"}}] * 16}] * 16
    subscribers = [{"name": f"s{number}", "function": "orders", "filters": conditions} for number in range(14)]
    return largest(fanOut=[{"name": f"f{number}", "subscribers": subscribers} for number in range(14)], eventDriven=[])


@pytest.fixture
def limited(account: rig.Account, tmp_path: Path) -> Iterator[rig.Replica]:
    """A replica whose memory the kernel limits."""
    with rig.fleet(account, tmp_path) as make:
        replica = make().start()
        assert isinstance(replica.process, subprocess.Popen)
        resource.prlimit(replica.process.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
        yield replica


@pytest.mark.parametrize(
    ("made", "reason"), [(amplified, "TooLarge"), (filtered, None)], ids=["multiplied", "filtered"]
)
def test_the_largest_app_neither_fills_a_replica_nor_stops_it(
    made: Callable[[], dict[str, Any]],
    reason: str | None,
    limited: rig.Replica,
    kubectl: rig.Kubectl,
    victim: rig.Kubectl,
) -> None:
    """Its compilation takes seconds, in which the Lease has to be renewed and the kubelet answered."""
    kubectl.server.create(made(), namespace=kubectl.namespace).object()

    def told() -> dict[str, Any]:
        assert limited.get("/livez") == "ok"
        return kubectl.condition()

    found = harness.eventually(told, within=120)

    assert reason in {found["reason"], None}
    victim.apply(rig.APP)
    harness.eventually(victim.settled)
    assert limited.get("/livez") == "ok"
    assert limited.leads()
