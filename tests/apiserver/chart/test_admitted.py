"""A server takes every object of the chart as it is, and Pod Security's level "restricted" its Pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from charts import helm as helms

if TYPE_CHECKING:
    from pathlib import Path

    from apiserver.chart import releases

pytestmark = pytest.mark.parametrize("helm", helms.VERSIONS[-1:], indirect=True)
"""Both make the same objects (`charts/test_rendering.py`)."""
CASES = pytest.mark.parametrize("case", helms.cases(), ids=lambda path: path.stem)


def judged(unmade: releases.Release, case: Path) -> list[helms.Object]:
    """The objects of a release with these values, without those that only the Prometheus operator knows."""
    watched = ("--set", f"watchNamespaces={{{unmade.namespace}}}") if case.stem.startswith("namespaced") else ()
    items = unmade.helm.template("--values", case, *watched, namespace=unmade.namespace)
    return [item for item in items if not item["apiVersion"].startswith("monitoring.coreos.com/")]


def accounts(unmade: releases.Release, items: list[helms.Object]) -> None:
    """Make what Pods are logged in as, without which some servers refuse them."""
    for account in (item for item in items if item["kind"] == "ServiceAccount"):
        unmade.server.create(account, namespace=unmade.namespace).object()


@CASES
def test_the_server_takes_every_object_and_warns_of_none(unmade: releases.Release, case: Path) -> None:
    for item in judged(unmade, case):
        answer = unmade.server.judge(item, namespace=item["metadata"].get("namespace", unmade.namespace))

        assert (answer.refusal, answer.warnings) == (None, ())


@CASES
def test_pods_are_admitted_where_only_restricted_ones_are(unmade: releases.Release, case: Path) -> None:
    items = judged(unmade, case)
    accounts(unmade, items)
    operator = {"apiVersion": "v1", "kind": "Pod", **helms.pod(items)}
    operator["metadata"] |= {"name": "operator"}

    for pod in (operator, *(item for item in items if item["kind"] == "Pod")):
        answer = unmade.server.create(pod, namespace=unmade.namespace)

        assert answer.refusal is None
        assert answer.warnings == ()


def test_a_pod_that_is_less_careful_is_refused_there(unmade: releases.Release) -> None:
    """So the level is in force."""
    items = unmade.helm.template("--set", "securityContext.allowPrivilegeEscalation=true", namespace=unmade.namespace)
    accounts(unmade, items)
    operator = {"apiVersion": "v1", "kind": "Pod", **helms.pod(items)}
    operator["metadata"] |= {"name": "operator"}

    answer = unmade.server.create(operator, namespace=unmade.namespace)

    assert 'violates PodSecurity "restricted' in (answer.refusal or "")
