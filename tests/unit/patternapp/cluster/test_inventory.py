from __future__ import annotations

from typing import Any

import pytest

from patternapp.cluster import inventory, resources
from patternapp.cluster import seen as seeing
from patternapp.cluster.inventory import Policy

SHOP = resources.AppKey("ns", "shop")
OWNER = {"apiVersion": resources.APP_API, "kind": "PatternApp", "name": "shop", "uid": "a1", "controller": True}
APPLIED = {"managedFields": [{"manager": "patternapp", "operation": "Apply", "fieldsV1": {}}]}
LABEL = {"labels": {"patternapp.dev/app": "shop"}}
ENTRY = inventory.Entry("v1", "ConfigMap", "one", "u1")


def seen(**metadata: Any) -> seeing.Seen:
    whole = {"name": "one", "namespace": "ns", "uid": "u1", "resourceVersion": "1"} | metadata
    return seeing.seen({"apiVersion": "v1", "kind": "ConfigMap", "metadata": whole})


@pytest.mark.parametrize(
    ("metadata", "entry", "expected"),
    [
        ({"ownerReferences": [OWNER]}, None, True),
        ({"ownerReferences": [OWNER | {"uid": "earlier"}]}, None, True),
        ({"ownerReferences": [OWNER | {"name": "other"}]}, ENTRY, False),
        ({"ownerReferences": [OWNER | {"kind": "Job", "apiVersion": "batch/v1"}]}, ENTRY, False),
        ({}, ENTRY, True),
        ({}, ENTRY._replace(uid="u0"), False),
        ({}, ENTRY._replace(uid=""), False),
        (LABEL, None, False),
        (APPLIED, None, False),
        (LABEL | APPLIED, None, True),
    ],
    ids=[
        "controlled by the app",
        "controlled by an earlier app of the name",
        "controlled by another app",
        "controlled by something else",
        "in the inventory",
        "another object is in the inventory",
        "only promised in the inventory",
        "labelled by anybody",
        "applied for whatever app",
        "applied and labelled",
    ],
)
def test_an_object_is_ours_only_by_proof(
    metadata: dict[str, Any],
    entry: inventory.Entry | None,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert inventory.ours(SHOP, seen(**metadata), entry) is expected


@pytest.mark.parametrize(
    ("policy", "claim", "other"),
    [(Policy.RETAIN, True, False), (Policy.DELETE, False, False), (Policy.ORPHAN, True, True)],
)
def test_the_policy_says_what_stays(policy: Policy, claim: bool, other: bool) -> None:  # noqa: FBT001 - a table's
    assert (policy.keeps("PersistentVolumeClaim"), policy.keeps("Trigger")) == (claim, other)


def test_a_policy_that_is_misspelt_keeps_what_holds_data() -> None:
    body = {"metadata": {"annotations": {resources.DELETION_POLICY: "Delte"}}}

    assert inventory.policy(body) is Policy.RETAIN


def test_an_inventory_comes_back_from_the_status_as_it_was_put_there() -> None:
    entries = [ENTRY, inventory.Entry("v1", "Service", "one")]
    body = {"metadata": {"namespace": "ns"}, "status": {"inventory": inventory.dumped(entries)}}

    assert sorted(inventory.kept(body).values()) == sorted(entries)
