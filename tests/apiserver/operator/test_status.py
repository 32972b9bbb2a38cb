"""What the status of an app tells."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

import harness
import pytest
from apiserver.operator.rig import APP, KEEPER, SERVICE, TRIGGER, changed

if TYPE_CHECKING:
    from apiserver.operator.rig import Kubectl

pytestmark = pytest.mark.usefixtures("operator")


def test_an_app_is_ready_when_all_its_objects_are(shop: Kubectl) -> None:
    shop.work()

    harness.eventually(lambda: shop.condition().get("status") == "True")

    status = shop.status()
    assert {one["type"]: one["status"] for one in status["conditions"]} == dict.fromkeys(
        ("Ready", "Access", "Broker", "DeadLetters", "EventDriven", "Functions"), "True"
    )
    assert status["objects"] == {"desired": len(shop.wanted()), "ready": len(shop.wanted())}
    assert status["functions"] == [{"name": "orders", "ready": True, "url": "http://shop-orders.example.com"}]


def test_ready_names_the_first_object_that_fails_with_its_own_reason(shop: Kubectl) -> None:
    shop.work()
    harness.eventually(lambda: shop.condition().get("status") == "True")

    shop.report(shop.live()[SERVICE], "Ready", "False", "RevisionMissing", "no such image")

    ready = harness.eventually(lambda: (one := shop.condition())["status"] == "False" and one)
    assert ready["reason"] == "RevisionMissing"
    assert ready["message"] == "Service.serving.knative.dev shop-orders: no such image"
    assert shop.condition("Functions")["status"] == "False"
    assert shop.condition("EventDriven")["status"] == "True"


def test_an_object_whose_controller_has_not_seen_its_last_change_is_not_ready(shop: Kubectl) -> None:
    shop.work()
    harness.eventually(lambda: shop.condition().get("status") == "True")

    shop.apply(changed(image="ghcr.io/acme/shop:2"))

    ready = harness.eventually(lambda: (one := shop.condition())["status"] == "Unknown" and one)
    assert ready["reason"] == "NotObserved"


def test_an_app_that_the_schema_admits_and_the_rules_do_not_says_where_it_is_wrong(shop: Kubectl) -> None:
    before = shop.get(shop.wanted()[TRIGGER])
    wrong = copy.deepcopy(APP)
    wrong["spec"]["functions"] = [{"name": "orders", "handler": "shop.orders:app"}]
    del wrong["spec"]["image"]
    trigger = shop.wanted()[TRIGGER]

    shop.apply(wrong)

    ready = harness.eventually(lambda: (one := shop.condition())["status"] == "False" and one)
    assert ready["reason"] == "MissingImage"
    assert ready["message"].startswith("spec.functions[0].image: a cluster runs images")
    assert ready["observedGeneration"] == shop.app()["metadata"]["generation"]
    assert shop.get(trigger) == before


def test_an_event_tells_when_an_app_becomes_ready(shop: Kubectl) -> None:
    shop.work()

    def reasons() -> set[str]:
        path = f"/apis/events.k8s.io/v1/namespaces/{shop.namespace}/events"
        items = shop.server.get(path).object()["items"]
        return {item["reason"] for item in items if item["regarding"]["name"] == "shop"}

    harness.eventually(lambda: "Ready" in reasons())


def test_a_fight_over_an_object_is_stopped_and_the_rival_is_named(shop: Kubectl) -> None:
    trigger, turns = shop.path(shop.wanted()[TRIGGER]), itertools.count()
    merge = {"Content-Type": "application/merge-patch+json"}

    def fight() -> bool:
        """Change the object again if it was put right."""
        patch = {"spec": {"subscriber": {"ref": {"name": f"rival-{next(turns)}"}}}}
        shop.server.request("PATCH", trigger, patch, query="fieldManager=rival", headers=merge).object()
        return bool(shop.condition("EventDriven")["reason"] == "Contended")

    harness.eventually(fight)

    told = shop.condition("EventDriven")
    assert told["message"].startswith(
        "Trigger.eventing.knative.dev shop-event-driven-paid: field manager 'rival' keeps"
    )
    assert shop.condition("Functions")["reason"] != "Contended"


def test_a_kind_that_the_cluster_lacks_is_named_and_made_when_it_comes(
    kubectl: Kubectl, ceph: list[dict[str, Any]]
) -> None:
    place = {"objectStore": "store", "objectStoreNamespace": "rook-ceph", "claim": "uploads"}
    stores = {"name": "uploads", "ceph": place}
    uploads = {"name": "upload", "source": {"bucket": stores}, "function": "orders"}
    kubectl.apply(changed(eventDriven=[*APP["spec"]["eventDriven"], uploads]))

    told = harness.eventually(lambda: kubectl.condition("EventDriven"))
    assert (told["status"], told["reason"]) == ("False", "DependencyMissing")
    assert "no cephbuckettopics.ceph.rook.io at ceph.rook.io/v1" in told["message"]
    assert kubectl.condition()["reason"] == "DependencyMissing"
    assert {SERVICE, TRIGGER, KEEPER} <= kubectl.live().keys()

    for item in ceph:
        kubectl.server.create(item).object()
    harness.eventually(kubectl.settled)
    harness.eventually(lambda: kubectl.condition("EventDriven")["reason"] != "DependencyMissing")
    topic = kubectl.wanted()["CephBucketTopicceph.rook.io", "shop-source-upload"]
    kubectl.server.delete(kubectl.path(topic)).object()
    harness.eventually(lambda: kubectl.restored(topic))
