"""Several replicas, restarts and crashes."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING

import harness
import yaml
from apiserver.operator.rig import APP, SERVICE, TRIGGER, changed
from cluster import versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.operator.rig import Kubectl, Replica
    from cluster import api

TAKEOVER = 20.0
ROUNDS = 3
SHOP = versions.ROOT / "examples" / "shop" / "app.yaml"
OURS = r'resource="(patternapps|configmaps|services|deployments|persistentvolumeclaims|triggers|brokers|sinkbindings)"'
WRITES = r'verb="(APPLY|PATCH|POST|PUT|DELETE)"'


def writes(server: api.Api) -> float:
    """Write requests for objects of apps that the server has had."""
    lines = str(server.get("/metrics").body).splitlines()
    counted = (line for line in lines if line.startswith("apiserver_request_total{"))
    return sum(float(line.rpartition(" ")[2]) for line in counted if re.search(OURS, line) and re.search(WRITES, line))


def test_nothing_is_written_while_nothing_changes(
    kubectl: Kubectl, replicas: Callable[..., Replica], server: api.Api
) -> None:
    replica = replicas("--resync", "1").start()
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    kubectl.work()
    harness.eventually(lambda: kubectl.condition().get("status") == "True")
    before, lists = writes(server), replica.metric('patternapp_reconciles_total{result="ok"}')

    harness.eventually(lambda: replica.metric('patternapp_reconciles_total{result="ok"}') >= lists + ROUNDS)

    assert writes(server) == before
    assert replica.metric("patternapp_audit_findings_total") == 0
    assert replica.end() == 0


def test_a_replica_that_starts_anew_writes_nothing(
    kubectl: Kubectl, replicas: Callable[..., Replica], server: api.Api
) -> None:
    first = replicas().start()
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    assert first.end() == 0
    before = writes(server)

    second = replicas().start()
    harness.eventually(lambda: second.metric('patternapp_reconciles_total{result="ok"}') >= 1)

    assert writes(server) == before
    assert second.end() == 0


def test_one_replica_writes_and_when_it_is_killed_the_other_does(
    kubectl: Kubectl, replicas: Callable[..., Replica]
) -> None:
    first = replicas().start()
    harness.eventually(first.leads)
    second = replicas().start()
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    assert (first.leads(), second.leads()) == (True, False)
    assert second.metric('rest_client_requests_total{code="201",method="PATCH"}') == 0

    first.end(signal.SIGKILL)
    kubectl.server.delete(kubectl.path(kubectl.wanted()[TRIGGER])).object()

    harness.eventually(kubectl.settled, within=TAKEOVER)
    assert second.end() == 0


def test_a_replica_that_is_asked_to_end_hands_the_lease_over(
    kubectl: Kubectl, replicas: Callable[..., Replica]
) -> None:
    first = replicas().start()
    harness.eventually(first.leads)
    second = replicas().start()

    assert first.end() == 0

    harness.eventually(second.leads, within=5)
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    assert second.end() == 0


def test_a_crash_between_inventory_and_creation_leaves_nothing_behind(
    kubectl: Kubectl, replicas: Callable[..., Replica]
) -> None:
    first = replicas().start()
    whole = yaml.safe_load(SHOP.read_text())
    kubectl.apply(whole)
    harness.eventually(lambda: kubectl.status().get("inventory"))
    first.end(signal.SIGKILL)
    promised = {entry["name"] for entry in kubectl.status()["inventory"]}
    made = {name for _, name in kubectl.live()}
    assert made < promised

    kubectl.apply(changed())
    second = replicas().start()

    harness.eventually(lambda: kubectl.settled() and SERVICE in kubectl.live(), within=TAKEOVER + 10)
    left = {entry["name"] for entry in kubectl.status()["inventory"]}
    assert left == {name for _, name in kubectl.wanted()}
    assert second.end() == 0


def test_a_replica_that_is_asked_to_end_ends_what_it_began(kubectl: Kubectl, replicas: Callable[..., Replica]) -> None:
    replica = replicas().start()
    kubectl.apply(yaml.safe_load(SHOP.read_text()))
    harness.eventually(lambda: kubectl.status().get("inventory"))

    assert replica.end() == 0

    assert kubectl.settled()


def test_objects_that_changed_while_nobody_looked_are_put_right(
    kubectl: Kubectl, replicas: Callable[..., Replica]
) -> None:
    first = replicas().start()
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    assert first.end() == 0
    trigger, service = kubectl.wanted()[TRIGGER], kubectl.wanted()[SERVICE]
    kubectl.server.delete(kubectl.path(trigger)).object()
    kubectl.server.merge(kubectl.path(service), {"metadata": {"labels": None}}).object()

    second = replicas().start()

    harness.eventually(lambda: kubectl.restored(trigger) and kubectl.restored(service))
    assert second.end() == 0


def test_a_replica_logs_json_lines(kubectl: Kubectl, replicas: Callable[..., Replica]) -> None:
    replica = replicas().start()
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    assert replica.end() == 0

    entries = [json.loads(line) for line in replica.log.read_text().splitlines()]

    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(entry) for entry in entries))
    assert [entry for entry in entries if entry["level"] == "error"] == []
