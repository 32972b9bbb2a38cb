"""What the operator does with its role, and without parts of it. All tests beside these run under exactly that role."""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

import harness
import pytest
import yaml
from apiserver.operator import faults, people, rig
from apiserver.operator import proxy as proxying
from golden import rewrite

from patternapp_operator import permissions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster import api, controlplane

SCHEDULE = {"name": "nightly", "cron": "0 2 * * *", "function": "orders"}
PING = ("PingSourcesources.knative.dev", "shop-schedule-nightly")
Rights = set[tuple[str, str, str]]
"""Group, resource and verb."""


def granted(rules: list[dict[str, Any]]) -> Rights:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(requests: list[faults.Request]) -> Rights:
    """The rights that requests took; whoever is logged in may read what there is and ask for their own rights."""
    taken = {(one.group, one.resource, one.verb.replace("apply", "patch")) for one in requests if one.resource}
    return {right for right in taken if right[0] != "authorization.k8s.io"}


@pytest.mark.timeout(300)
def test_every_right_of_the_role_is_used(
    account: rig.Account, ceph: list[dict[str, Any]], kubectl: rig.Kubectl, tmp_path: Path
) -> None:
    for definition in ceph:
        kubectl.server.create(definition).object()
    proxy = proxying.Proxy(account.kubeconfig, tmp_path / "proxied.kubeconfig")
    proxied = rig.Account(proxy.kubeconfig, account.installation)
    with proxy.running(), rig.fleet(proxied, tmp_path) as make:
        replica = make("--authentication-oidc", "true").start()
        for app in (*map(whole, rewrite.cases()), whole_again(rig.APP)):
            kubectl.apply(app)
            harness.eventually(lambda: seen(kubectl))
        wanted = {kind for kind, _ in kubectl.wanted()} | {"EventPolicyeventing.knative.dev"}
        harness.eventually(lambda: {kind for kind, _ in kubectl.live()} <= wanted)
        assert replica.end() == 0

    rules = [*permissions.rules(), *permissions.lease_rules("")]
    created_by_applying = {right for right in granted(permissions.rules()) if right[2] == "create"}
    assert used(proxy.requests) <= granted(rules)
    assert granted(rules) - used(proxy.requests) <= created_by_applying - {("events.k8s.io", "events", "create")}


def seen(kubectl: rig.Kubectl) -> bool:
    """Whether the operator has been over the last spec."""
    return bool(kubectl.status().get("observedGeneration") == kubectl.app()["metadata"]["generation"])


def whole(case: Path) -> dict[str, Any]:
    return whole_again(yaml.safe_load((case / "in.yaml").read_text()))


def whole_again(app: dict[str, Any]) -> dict[str, Any]:
    """An app of one name, whose data goes too when it is not wanted any more."""
    result = copy.deepcopy(app)
    result["metadata"] = {"name": "shop", "annotations": {"patternapp.dev/deletion-policy": "delete"}}
    return result


def test_applying_what_is_not_there_takes_the_right_to_create(person: Callable[..., people.Person]) -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}
    patching = person(people.rule("configmaps", "patch"))
    making = person(people.rule("configmaps", "patch", "create"))

    refused = patching.api.apply(item, namespace=patching.namespace)
    made = making.api.apply(item, namespace=making.namespace)
    changed = patching.api.apply(item | {"data": {"a": "b"}}, namespace=patching.namespace)

    assert 'cannot create resource "configmaps"' in (refused.refusal or "")
    assert (made.refusal, changed.refusal) == (None, None)


def shrink(server: api.Api, account: rig.Account, rules: list[dict[str, Any]]) -> None:
    """Give an account other rights."""
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{account.installation.name}"
    server.merge(path, {"rules": rules}).object()


def test_a_kind_that_the_role_lacks_is_named_with_its_mend_and_kept_once_the_role_has_it(
    account: rig.Account, kubectl: rig.Kubectl, replicas: Callable[..., rig.Replica]
) -> None:
    shrink(kubectl.server, account, permissions.rules(["eventDriven"]))
    replica = replicas().start()
    kubectl.apply(rig.changed(schedules=[SCHEDULE]))

    told = harness.eventually(lambda: kubectl.condition("Schedules"))
    assert (told["status"], told["reason"]) == ("False", "PermissionMissing")
    assert told["message"].endswith(
        "the operator may not get, list, watch, create, patch, delete pingsources.sources.knative.dev;"
        " give it the role for schedules, or take that out of the app"
    )
    harness.eventually(lambda: rig.TRIGGER in kubectl.live())

    shrink(kubectl.server, account, permissions.rules())
    harness.eventually(kubectl.settled)
    ping = kubectl.wanted()[PING]
    kubectl.server.delete(kubectl.path(ping)).object()
    harness.eventually(lambda: kubectl.restored(ping))
    assert replica.end() == 0


def test_rights_that_are_taken_away_stop_what_needs_them_and_nothing_else(
    account: rig.Account, kubectl: rig.Kubectl, replicas: Callable[..., rig.Replica]
) -> None:
    replica = replicas().start()
    kubectl.apply(rig.changed(schedules=[SCHEDULE]))
    harness.eventually(kubectl.settled)

    shrink(kubectl.server, account, permissions.rules(["eventDriven"]))

    harness.eventually(lambda: kubectl.condition("Schedules").get("reason") == "PermissionMissing")
    trigger = kubectl.wanted()[rig.TRIGGER]
    kubectl.server.delete(kubectl.path(trigger)).object()
    harness.eventually(lambda: kubectl.restored(trigger))
    shrink(kubectl.server, account, permissions.rules())
    harness.eventually(lambda: kubectl.condition("Schedules").get("reason") != "PermissionMissing")
    assert replica.end() == 0


def test_a_single_verb_that_is_missing_is_named(
    account: rig.Account, kubectl: rig.Kubectl, replicas: Callable[..., rig.Replica]
) -> None:
    rules = copy.deepcopy(permissions.rules())
    for rule in rules:
        if "deployments" in rule["resources"]:
            rule["verbs"].remove("delete")
    shrink(kubectl.server, account, rules)
    replica = replicas().start()

    kubectl.apply(rig.APP)

    told = harness.eventually(lambda: kubectl.condition("DeadLetters"))
    assert "the operator may not delete deployments.apps; give it the role of its installation" in told["message"]
    assert replica.end() == 0


@pytest.fixture
def other(server: api.Api) -> Iterator[rig.Kubectl]:
    """A namespace that no operator of the test watches."""
    name = f"other-{uuid.uuid4().hex[:8]}"
    item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    server.create(item).object()
    yield rig.Kubectl(server, name)
    server.delete(server.path(item)).object()


def test_with_roles_in_some_namespaces_only_apps_there_are_kept(
    kubectl: rig.Kubectl, other: rig.Kubectl, control_plane: controlplane.ControlPlane, tmp_path: Path
) -> None:
    watched, server = (kubectl.namespace,), kubectl.server
    with (
        rig.account(server, control_plane.kubeconfig, tmp_path, watched=watched) as account,
        rig.fleet(account, tmp_path) as make,
    ):
        replica = make("--namespaces", kubectl.namespace, "--resync", "1").start()
        other.apply(rig.APP)
        kubectl.apply(rig.APP)
        harness.eventually(kubectl.settled)
        trigger = kubectl.wanted()[rig.TRIGGER]
        kubectl.server.delete(kubectl.path(trigger)).object()
        harness.eventually(lambda: kubectl.restored(trigger))

        assert replica.end() == 0
        assert other.status() == {}
        assert other.live() == {}


def test_no_watched_namespace_gives_a_right_in_another(
    kubectl: rig.Kubectl, other: rig.Kubectl, control_plane: controlplane.ControlPlane, tmp_path: Path
) -> None:
    watched, server = (kubectl.namespace,), kubectl.server
    with (
        rig.account(server, control_plane.kubeconfig, tmp_path, watched=watched) as account,
        rig.fleet(account, tmp_path) as make,
    ):
        replica = make("--namespaces", f"{kubectl.namespace},{other.namespace}")
        replica.launch()

        harness.eventually(lambda: "the operator may not" in replica.log.read_text())
        assert replica.get("/readyz") is None
        replica.end()
