"""The operator is killed in the middle of its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import harness
import pytest
from e2e import ends, install, kube

from patternapp.cluster import resources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster import api
    from cluster.stack import state

APPS = 6
WITHIN = 300.0
_OPERATORS = "app.kubernetes.io/name=patternapp,app.kubernetes.io/component=operator"
_SPEC = """
functions:
  - {name: first, handler: "tally:singles"}
  - {name: second, handler: "tally:singles"}
fanOut:
  - name: counted
    filters: [{exact: {type: e2e.counted}}]
    subscribers:
      - {name: first, function: first}
      - {name: second, function: second}
"""


@pytest.fixture
def operators(stack: state.Stack, server: api.Api) -> tuple[kube.Namespace, list[kube.Object]]:
    """Where the operator's Pods are, and which."""
    system = kube.Namespace(stack, server, install.SYSTEM)
    return system, system.pods(_OPERATORS)


@pytest.fixture
def apps(namespace: kube.Namespace) -> Iterator[list[kube.App]]:
    """Apps that were applied this moment, the first of which has its first object."""
    items = [kube.manifest(f"app-{number}", _SPEC, image="e2e") for number in range(APPS)]
    for item in items:
        namespace.apply(item)
    harness.eventually(lambda: namespace.get("ConfigMap", "app-0-dead-letters"), within=kube.WITHIN)
    yield [kube.App(namespace, item["metadata"]["name"]) for item in items]
    for item in items:
        namespace.delete(item)


def test_what_an_operator_had_made_when_it_was_killed_stays_and_the_rest_is_made_once(
    operators: tuple[kube.Namespace, list[kube.Object]], apps: list[kube.App]
) -> None:
    system, pods = operators
    for pod in pods:
        ends.kill(system, pod)
    before = [_owned(app) for app in apps]

    harness.eventually(lambda: all(app.ready() for app in apps), within=WITHIN)

    after = [_owned(app) for app in apps]
    assert 0 < sum(map(len, before)) < sum(map(len, after)), "it was not killed in the middle"
    assert all(made.items() <= now.items() for made, now in zip(before, after, strict=True))
    assert all(now.keys() <= _listed(app) for app, now in zip(apps, after, strict=True))


def _owned(app: kube.App) -> dict[tuple[str, str], str]:
    """The uids of the objects that belong to an app, by their kind and name."""
    uid = app.live()["metadata"]["uid"]
    served = [kind for kind in resources.KINDS if app.namespace.server.serves(*kind)]
    found = [(kind, item) for kind in served for item in app.namespace.listed(kind.kind, kind.api_version)]
    return {
        (kind.definition, item["metadata"]["name"]): item["metadata"]["uid"]
        for kind, item in found
        if any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", ()))
    }


def _listed(app: kube.App) -> set[tuple[str, str]]:
    """The objects of an app's inventory."""
    entries = app.live()["status"]["inventory"]
    return {(resources.ApiKind(one["apiVersion"], one["kind"]).definition, one["name"]) for one in entries}
