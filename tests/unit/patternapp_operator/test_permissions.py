from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
import yaml

from patternapp_operator import needs, permissions

if TYPE_CHECKING:
    from patternapp.cluster import resources

FAN_OUT = """\
/configmaps: get list watch create patch delete
/persistentvolumeclaims: get list watch create patch delete
/services: get list watch create patch delete
apps/deployments: get list watch create patch delete
eventing.knative.dev/brokers: get list watch create patch
eventing.knative.dev/eventpolicies: get list watch create patch delete
eventing.knative.dev/triggers: get list watch create patch delete
events.k8s.io/events: create
networking.k8s.io/networkpolicies: get list watch create patch delete
patternapp.dev/patternapps/status: patch
patternapp.dev/patternapps: get list watch
serving.knative.dev/services: get list watch create patch delete
sources.knative.dev/sinkbindings: get list watch create patch delete
"""


def listed(rules: list[resources.Object]) -> str:
    lines = [
        f"{group}/{resource}: {' '.join(rule['verbs'])}\n"
        for rule in rules
        for group, resource in itertools.product(rule["apiGroups"], rule["resources"])
    ]
    return "".join(sorted(lines))


def test_an_operator_for_one_pattern_may_do_just_this() -> None:
    assert listed(permissions.rules(["fanOut"])) == FAN_OUT


def test_a_pattern_more_gives_its_kinds_more() -> None:
    more = listed(permissions.rules(["fanOut", "schedules"])).splitlines()

    assert set(more) - set(FAN_OUT.splitlines()) == {
        "sinks.knative.dev/jobsinks: get list watch create patch delete",
        "sources.knative.dev/pingsources: get list watch create patch delete",
    }


@pytest.mark.parametrize("patterns", [(), ("fanOut",), ("queues", "schedules"), needs.PATTERNS])
def test_rules_by_patterns_are_the_same_rules_for_whoever_chooses_later(patterns: tuple[str, ...]) -> None:
    chosen = [rules for users, rules in permissions.by_patterns() if not users or set(users) & set(patterns)]

    assert listed(list(itertools.chain.from_iterable(chosen))) == listed(permissions.rules(patterns))


def test_a_trial_may_make_one_app_with_what_it_becomes_and_nothing_else() -> None:
    assert listed(permissions.trial()) == TRIAL


TRIAL = """\
eventing.knative.dev/brokers: create
eventing.knative.dev/eventpolicies: create
patternapp.dev/patternapps: get create delete
serving.knative.dev/services: create
sources.knative.dev/sinkbindings: create
"""
FORBIDDEN = {"*", "secrets", "pods", "serviceaccounts", "roles", "clusterroles", "escalate", "bind", "impersonate"}


def test_no_rule_has_a_wildcard_a_secret_a_pod_or_a_way_to_more_rights() -> None:
    items = [*permissions.installed(permissions.Installation()), *permissions.tenants(), {"rules": permissions.trial()}]

    words = {word for item in items for rule in item.get("rules", ()) for field in rule.values() for word in field}
    assert words.isdisjoint(FORBIDDEN)


def test_update_is_for_the_lease_alone() -> None:
    updating = [rule for rule in permissions.rules() if "update" in rule["verbs"]]
    leasing = [rule for rule in permissions.lease_rules("mine") if "update" in rule["verbs"]]

    assert updating == []
    assert [rule["resourceNames"] for rule in leasing] == [["mine"]]


def test_in_chosen_namespaces_there_is_no_right_in_the_cluster() -> None:
    items = list(permissions.installed(permissions.Installation(watched=("a", "b"))))

    assert {item["kind"] for item in items} == {"ServiceAccount", "Role", "RoleBinding"}
    keeping = [item for item in items if item["kind"] == "Role" and item["rules"] == permissions.rules()]
    assert [item["metadata"]["namespace"] for item in keeping] == ["a", "b"]


def test_every_binding_is_to_a_role_of_its_own_scope_and_to_the_operator() -> None:
    items = list(permissions.installed(permissions.Installation(name="op", namespace="here", watched=("a",))))
    made = {(item["kind"], item["metadata"]["name"]) for item in items}

    for item in items:
        if item["kind"] == "RoleBinding":
            assert (item["roleRef"]["kind"], item["roleRef"]["name"]) in made
            assert item["subjects"] == [{"kind": "ServiceAccount", "name": "op", "namespace": "here"}]


def test_people_never_get_the_status_to_write() -> None:
    roles = list(permissions.tenants())

    named = {name for role in roles for rule in role["rules"] for name in rule["resources"]}
    assert named == {"patternapps"}
    aggregated = {role["metadata"]["name"]: sorted(role["metadata"]["labels"]) for role in roles}
    assert [label for label in aggregated["patternapp-edit"] if label.endswith("to-view")] == []


def test_what_is_never_pruned_is_what_every_app_has() -> None:
    everywhere = {name for need in needs.NEEDS if need.when == "true" for name in need.resources}

    assert everywhere >= permissions.UNPRUNED


def test_rules_are_plain_yaml() -> None:
    rules = permissions.rules()

    assert yaml.safe_load(yaml.safe_dump(rules)) == rules
