"""A8, A9: objects of somebody else, and owners that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import harness
import pytest
from apiserver.operator import rig
from apiserver.operator.rig import APP, changed

from patternapp.cluster import desired, resources

if TYPE_CHECKING:
    from apiserver.operator.rig import Kubectl

pytestmark = pytest.mark.usefixtures("operator")
QUEUE = {
    "name": "invoices",
    "function": "orders",
    "kafka": {"bootstrapServers": ["kafka:9092"], "topic": "t"},
}
WANTED = changed(queues=[QUEUE])
KINDS = ("Serviceserving.knative.dev", "ScaledObjectkeda.sh", "Deploymentapps", "ConfigMap", "PersistentVolumeClaim")


def wanted(kubectl: Kubectl, kind: str) -> dict[str, Any]:
    """The first object of a kind that the app wants, as it would be without an owner."""
    app = kubectl.server.judge(WANTED, namespace=kubectl.namespace).object()
    made = desired.desired(app, kubectl.capabilities()).objects
    item = next(one for one in made if one.kind.kind + one.kind.group == kind).body()
    item["metadata"] = {"name": item["metadata"]["name"], "labels": {"whose": "somebody-else"}}
    return item


def gone(kubectl: Kubectl) -> bool:
    return kubectl.server.get(kubectl.path(WANTED)).status == 404


def owned(item: dict[str, Any]) -> bool:
    """Whether the garbage collector takes an object with its app."""
    return "ownerReferences" in item["metadata"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_that_was_there_before_is_neither_changed_nor_deleted_with_the_app(
    kind: str, kubectl: Kubectl
) -> None:
    theirs = wanted(kubectl, kind)
    made = kubectl.server.create(theirs, namespace=kubectl.namespace).object()

    kubectl.apply(WANTED)

    harness.eventually(lambda: kubectl.condition().get("reason") == "Conflict")
    everything = {resources.DELETION_POLICY: "delete"}
    kubectl.server.merge(kubectl.path(WANTED), {"metadata": {"annotations": everything}}).object()
    harness.eventually(
        lambda: len(kubectl.live()) >= len(kubectl.wanted()) - 1 and all(map(owned, kubectl.live().values()))
    )
    kubectl.server.delete(kubectl.path(WANTED)).object()
    harness.eventually(lambda: gone(kubectl) and not kubectl.live(), within=rig.COLLECTED_WITHIN)
    after = kubectl.get(theirs)
    assert after is not None
    assert (after["metadata"], after.get("spec"), after.get("data")) == (
        made["metadata"],
        made.get("spec"),
        made.get("data"),
    )


def test_a_child_that_is_made_to_look_like_another_app_s_changes_nothing_of_that_app(kubectl: Kubectl) -> None:
    other = APP | {"metadata": {"name": "other"}}
    kubectl.apply(APP)
    kubectl.apply(other)
    harness.eventually(lambda: both(kubectl))
    before = {key: item["metadata"]["uid"] for key, item in kubectl.live().items() if of(item) == "other"}
    uid = kubectl.server.get(kubectl.path(other)).object()["metadata"]["uid"]
    trigger = kubectl.wanted()[rig.TRIGGER]

    spoofed = [{"apiVersion": resources.APP_API, "kind": "PatternApp", "name": "other", "uid": uid, "controller": True}]
    labels = {"patternapp.dev/app": "other", "app.kubernetes.io/name": "other"}
    kubectl.server.merge(kubectl.path(trigger), {"metadata": {"ownerReferences": spoofed, "labels": labels}}).object()

    harness.eventually(lambda: kubectl.restored(trigger))
    harness.eventually(lambda: both(kubectl))
    after = {key: item["metadata"]["uid"] for key, item in kubectl.live().items() if of(item) == "other"}
    assert after == before


def of(item: dict[str, Any]) -> str:
    name: str = item["metadata"]["labels"]["patternapp.dev/app"]
    return name


def both(kubectl: Kubectl) -> bool:
    """Whether both apps have all their objects."""
    live = kubectl.live()
    counts = [sum(of(item) == app for item in live.values()) for app in ("shop", "other")]
    return counts[0] == counts[1] == len(kubectl.wanted())


def test_nobody_s_object_becomes_an_app_s_by_an_owner_that_somebody_wrote(kubectl: Kubectl) -> None:
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    uid = kubectl.app()["metadata"]["uid"]
    owner = {"apiVersion": resources.APP_API, "kind": "PatternApp", "name": "shop", "uid": uid}
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "theirs", "ownerReferences": [owner]},
        "data": {"mine": "yes"},
    }
    made = kubectl.server.create(theirs, namespace=kubectl.namespace).object()

    kubectl.apply(changed(image="ghcr.io/acme/shop:2"))
    harness.eventually(lambda: kubectl.restored(kubectl.wanted()[rig.SERVICE]))

    assert kubectl.get(theirs) == made
