"""What the operator's tests share: policies, replicas that share a Lease, and an app that is made."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import harness
import pytest
import yaml
from apiserver.operator import people, rig, rook

from patternapp_operator import manifests, needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster import api

NAMING = rig.changed(
    functions=[
        {
            "name": "orders",
            "handler": "shop.orders:app",
            "env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "a"}}},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "b", "key": "b"}}},
            ],
        }
    ]
)
"""An app that each of the policies has something to say about."""


def refuses(tenant: people.Person, why: str) -> bool:
    """Whether the server refuses the app in these words."""
    return why in (tenant.judged(NAMING) or "")


@pytest.fixture(scope="module")
def policies(server: api.Api) -> Iterator[None]:
    """The admission policies, once they are in force; not for longer than a module, as others install theirs."""
    items = list(yaml.safe_load_all(manifests.policies()))
    for item in items:
        server.apply(item).object()
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "policies-in-force"}}
    server.create(space).object()
    names = (people.rule("secrets", "get"), people.rule("configmaps", "get"))
    kinds = [people.rule(name, "create") for name in needs.resources(needs.PATTERNS)]
    for refused, rights in [
        ("may not create", names),
        ("may not get the Secret", (*kinds, names[1])),
        ("may not get the ConfigMap", (*kinds, names[0])),
    ]:
        with people.person(server, "policies-in-force", *rights) as tenant:
            harness.eventually(functools.partial(refuses, tenant, refused))
    yield
    for item in reversed([space, *items]):
        server.delete(server.path(item)).object()


@pytest.fixture
def person(server: api.Api, namespace: str) -> Iterator[Callable[..., people.Person]]:
    """Makes users who may write apps in a fresh namespace, and have the rights that are given."""
    with contextlib.ExitStack() as stack:
        yield lambda *rules: stack.enter_context(people.person(server, namespace, *rules))


@pytest.fixture
def replicas(account: rig.Account, tmp_path: Path) -> Iterator[Callable[..., rig.Replica]]:
    """Makes replicas that share one Lease; those that still run afterwards are killed."""
    with rig.fleet(account, tmp_path) as make:
        yield make


@pytest.fixture
def ceph(server: api.Api) -> Iterator[list[dict[str, Any]]]:
    """The definitions of Rook's kinds; whatever of them is installed goes again."""
    with rook.definitions(server) as made:
        yield made


@pytest.fixture
def shop(kubectl: rig.Kubectl) -> rig.Kubectl:
    """The app with all its objects made."""
    kubectl.apply(rig.APP)
    harness.eventually(kubectl.settled)
    return kubectl
