"""A17: all that the operator may do, as the API server itself lists it for whoever is logged in so."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cluster import api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.operator import rig

GOLDEN = Path(__file__).with_name("can-i.txt")
"""``kubectl auth can-i --list``; whoever changes the role changes it too, and reads it."""
NEVER = ("secrets", "pods", "serviceaccounts", "roles", "rolebindings", "namespaces", "nodes", "tokenreviews")
BORROWING = {"escalate", "bind", "impersonate", "approve", "sign"}
BASIC = {"selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "clustertrustbundles"}
"""What every authenticated user may ask about himself, and the certificates that are everybody's to read."""


@pytest.fixture
def operators_own(account: rig.Account) -> Iterator[api.Api]:
    """A client that is logged in as the operator is."""
    with contextlib.closing(api.Api(api.access(account.kubeconfig))) as client:
        yield client


def rules(client: api.Api, namespace: str) -> list[dict[str, Any]]:
    """What the server says that this client may do in a namespace."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    status = client.create(review).object()["status"]
    assert not status["incomplete"]
    found: list[dict[str, Any]] = status["resourceRules"]
    return [rule for rule in found if not set(rule["resources"]) <= BASIC]


def lines(listed: list[dict[str, Any]]) -> list[str]:
    """One line for each resource: its verbs, and the names that they are limited to."""
    found: dict[tuple[str, str], set[str]] = {}
    for rule in listed:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                only = ",".join("NAME" for _ in rule.get("resourceNames", ()))
                found.setdefault((f"{resource}.{group}".rstrip("."), only), set()).update(rule["verbs"])
    return sorted(
        f"{name}{f' [{only}]' if only else ''}: {' '.join(sorted(verbs))}" for (name, only), verbs in found.items()
    )


def test_the_operator_may_do_what_is_written_down_and_nothing_else(operators_own: api.Api, namespace: str) -> None:
    here, at_home = rules(operators_own, namespace), rules(operators_own, "default")

    told = [
        "# in any namespace",
        *lines(here),
        "# in its own, beside these",
        *sorted({*lines(at_home)} - {*lines(here)}),
    ]

    assert "\n".join(told) + "\n" == GOLDEN.read_text()


def test_the_operator_has_no_right_that_would_give_it_others(operators_own: api.Api, namespace: str) -> None:
    listed = rules(operators_own, namespace)

    assert not {name for rule in listed for name in rule["resources"] if name.partition("/")[0] in NEVER}
    assert not {verb for rule in listed for verb in rule["verbs"]} & BORROWING
    assert "*" not in yaml.safe_dump(listed)


@pytest.mark.parametrize("path", ["secrets", "serviceaccounts", "pods", "configmaps/kube-root-ca.crt/status"])
def test_the_server_refuses_the_operator_what_it_has_no_right_to(
    path: str, operators_own: api.Api, namespace: str
) -> None:
    assert operators_own.get(f"/api/v1/namespaces/{namespace}/{path}").status in {403, 404}
    assert operators_own.get(f"/api/v1/namespaces/kube-system/{path}").status in {403, 404}
