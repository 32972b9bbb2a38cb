"""What becomes of the objects that an app does not want any more."""

from __future__ import annotations

from typing import Any, cast

import pytest

from patternapp.cluster import capabilities, resources, review, survey
from patternapp.cluster.review import Verdict

KEY = resources.AppKey("ns", "shop")
LABEL = {"labels": {"patternapp.dev/app": "shop"}}
APPLIED = {"managedFields": [{"manager": "patternapp", "operation": "Apply", "fieldsV1": {}}]}
APP = {
    "metadata": {"name": "shop", "namespace": "ns", "uid": "a1", "annotations": {}},
    "status": {"inventory": [{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "one", "uid": "u1"}]},
}


def owned(uid: str) -> dict[str, Any]:
    """Controlled by the app of this uid."""
    owner = {"apiVersion": resources.APP_API, "kind": "PatternApp", "name": "shop", "uid": uid, "controller": True}
    return {"ownerReferences": [owner]}


@pytest.mark.parametrize(
    ("kind", "metadata", "verdict", "message"),
    [
        ("ConfigMap", owned("a1"), Verdict.DELETED, ""),
        ("ConfigMap", owned("a0"), Verdict.DELETED, "it is left of an earlier app of this name"),
        ("ConfigMap", LABEL, Verdict.KEPT, "the operator did not make it"),
        ("PersistentVolumeClaim", LABEL | APPLIED, Verdict.KEPT, "the app's deletion policy (retain) keeps it"),
    ],
    ids=["the app's own", "an earlier app's", "labelled by anybody", "with data"],
)
def test_what_is_not_wanted_any_more_goes_only_if_the_operator_made_it(
    kind: str, metadata: dict[str, Any], verdict: Verdict, message: str
) -> None:
    whole = {"name": "one", "namespace": "ns", "uid": "u1", "resourceVersion": "1"} | metadata
    live = {"apiVersion": "v1", "kind": kind, "metadata": whole}
    client = cast("Any", None)
    there = survey.Survey(client, KEY, capabilities.Served(), installed=True, app=APP, labelled={})

    found = review._Reviewer(client, there, APP)._farewell(resources.kind_of(live), resources.ref(live), live)

    assert found.verdict is verdict
    assert message in found.message
