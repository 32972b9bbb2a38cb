"""The roles of a release are those that the operator's own table gives, for whatever patterns and namespaces."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from charts import helm as helms

from patternapp_operator import needs, permissions

if TYPE_CHECKING:
    from collections.abc import Iterable

Right = tuple[str, str, str, str]
"""Group, resource, verb and name."""


def rights(roles: Iterable[helms.Object]) -> set[Right]:
    """All that roles give."""
    return {
        right
        for role in roles
        for rule in role["rules"]
        for right in itertools.product(
            rule["apiGroups"], rule["resources"], rule["verbs"], rule.get("resourceNames", [""])
        )
    }


def granted(items: Iterable[helms.Object]) -> dict[tuple[str, str], set[Right]]:
    """What each account has: in the namespace of a binding, or, without one, in the cluster."""
    items = list(items)
    roles = {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item for item in items}
    found: dict[tuple[str, str], set[Right]] = {}
    for item in items:
        if item["kind"].endswith("Binding") and "roleRef" in item:
            namespace = item["metadata"].get("namespace", "")
            role = roles[item["roleRef"]["kind"], namespace, item["roleRef"]["name"]]
            (subject,) = item["subjects"]
            account = f"{subject['namespace']}/{subject['name']}"
            found.setdefault((account, namespace), set()).update(rights([role]))
    return found


def released(items: Iterable[helms.Object]) -> list[helms.Object]:
    return [item for item in items if not helms.testing(item)]


CHOICES = [
    needs.PATTERNS,
    (),
    *((pattern,) for pattern in needs.PATTERNS),
    ("queues", "schedules"),
    tuple(pattern for pattern in needs.PATTERNS if pattern != "streams"),
]
LEAN = "crds.install=false,admissionPolicy.enabled=false"
"""Most of a release's text, and nothing of its roles."""


@pytest.mark.parametrize("patterns", CHOICES, ids=lambda patterns: "+".join(patterns) or "none")
@pytest.mark.parametrize("watched", [(), ("team-a", "team-b")], ids=["cluster", "namespaces"])
def test_the_operator_may_do_what_its_table_says(
    helm: helms.Helm, patterns: tuple[str, ...], watched: tuple[str, ...]
) -> None:
    switches = ",".join(f"patterns.{name}={str(name in patterns).lower()}" for name in needs.PATTERNS)
    namespaces = f",watchNamespaces={{{','.join(watched)}}}" if watched else ""

    found = granted(released(helm.template("--set", f"{LEAN},{switches}{namespaces}")))

    assert found == granted(permissions.installed(permissions.Installation(patterns=patterns, watched=watched)))


def test_people_may_do_what_the_table_says(helm: helms.Helm) -> None:
    made = [
        role for role in released(helm.template()) if role["metadata"]["name"] in {"patternapp-view", "patternapp-edit"}
    ]

    wanted = list(permissions.tenants())
    assert [rights([role]) for role in made] == [rights([role]) for role in wanted]
    for role, one in zip(made, wanted, strict=True):
        labels = {name: value for name, value in one["metadata"]["labels"].items() if "aggregate" in name}
        assert labels.items() <= role["metadata"]["labels"].items()
    off = helm.template("--set", "rbac.tenantRoles=false")
    assert [item["metadata"]["name"] for item in off if item["kind"] == "ClusterRole"] == ["patternapp-operator"]


@pytest.mark.parametrize(("watched", "place"), [("null", "patternapp-system"), ("{team-a,team-b}", "team-a")])
def test_the_test_may_do_what_its_table_says_where_apps_are_kept(helm: helms.Helm, watched: str, place: str) -> None:
    items = helm.template("--set", f"{LEAN},watchNamespaces={watched}")
    (pod,) = [item for item in items if item["kind"] == "Pod"]

    found = granted(item for item in items if helms.testing(item))

    account = f"patternapp-system/{pod['spec']['serviceAccountName']}"
    assert found == {(account, place): rights([{"rules": permissions.trial()}])}
    assert f"--namespace={place}" in pod["spec"]["containers"][0]["args"]


def test_in_namespaces_alone_nothing_is_there_for_the_whole_cluster(helm: helms.Helm) -> None:
    items = helm.template("--values", helms.CHART / "ci" / "namespaced-values.yaml")

    assert all("namespace" in item["metadata"] for item in items)
    places = {item["metadata"]["namespace"] for item in items if item["kind"] == "Role" and not helms.testing(item)}
    assert places == {"team-a", "team-b", "patternapp-system"}


def test_an_account_of_somebody_else_gets_the_same_roles(helm: helms.Helm) -> None:
    items = helm.template("--set", "serviceAccount.create=false,serviceAccount.name=theirs")

    assert helms.only(items, "ServiceAccount") == []
    assert {account for account, _ in granted(released(items))} == {"patternapp-system/theirs"}
    assert helms.pod(items)["spec"]["serviceAccountName"] == "theirs"


def test_roles_can_be_left_to_somebody_else(helm: helms.Helm) -> None:
    assert granted(released(helm.template("--set", "rbac.create=false"))) == {}


def test_the_operators_pod_gets_its_token_though_its_account_gives_none(helm: helms.Helm) -> None:
    items = helm.template()

    assert helms.only(items, "ServiceAccount")[0]["automountServiceAccountToken"] is False
    assert helms.pod(items)["spec"]["automountServiceAccountToken"] is True
