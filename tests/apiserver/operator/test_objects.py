"""What becomes of an app's objects while one replica runs."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import harness
import pytest
import yaml
from apiserver.operator.rig import APP, CLAIM, CONFIG, KEEPER, SERVICE, TRIGGER, changed
from golden import rewrite

if TYPE_CHECKING:
    import pathlib

    from apiserver.operator.rig import Kubectl, Replica

pytestmark = pytest.mark.usefixtures("operator")


@pytest.mark.parametrize("case", rewrite.cases(), ids=lambda case: case.name)
def test_an_app_becomes_the_objects_that_render_prints(case: pathlib.Path, kubectl: Kubectl) -> None:
    app = yaml.safe_load((case / "in.yaml").read_text())
    app["metadata"]["name"] = "shop"
    kubectl.apply(app)
    served = kubectl.server.serves

    harness.eventually(lambda: kubectl.status().get("observedGeneration"))

    wanted = {key: item for key, item in kubectl.wanted().items() if served(item["apiVersion"], item["kind"])}
    live = kubectl.live()
    assert live.keys() == wanted.keys()
    assert [key for key, item in wanted.items() if not kubectl.restored(item)] == []


def test_an_app_owns_its_objects_so_that_the_garbage_collector_takes_them_but_keeps_data(shop: Kubectl) -> None:
    """No controller that collects garbage runs here, so it is judged by what such a controller goes by."""
    uid = shop.app()["metadata"]["uid"]

    owners = {key: item["metadata"].get("ownerReferences") for key, item in shop.live().items()}

    assert owners.pop(CLAIM) is None
    assert all([owner["uid"] for owner in listed or ()] == [uid] for listed in owners.values())
    assert all(listed[0]["controller"] for listed in owners.values() if listed)


def test_the_operator_leaves_no_finalizer_and_no_annotation_so_that_its_absence_blocks_nothing(shop: Kubectl) -> None:
    metadata = shop.app()["metadata"]

    assert metadata.keys().isdisjoint({"finalizers", "annotations"})
    # The server itself protects claims; the controller that takes that away does not run here.
    assert [key for key, item in shop.live().items() if "finalizers" in item["metadata"]] in ([], [CLAIM])


def test_an_edit_reaches_the_objects(shop: Kubectl) -> None:
    shop.apply(changed(image="ghcr.io/acme/shop:2"))

    harness.eventually(lambda: shop.restored(shop.wanted()[SERVICE]))

    container = (shop.get(shop.wanted()[SERVICE]) or {})["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "ghcr.io/acme/shop:2"


def test_what_an_entry_became_goes_with_the_entry(shop: Kubectl) -> None:
    gone = shop.wanted()[TRIGGER]

    shop.apply(changed(eventDriven=[APP["spec"]["eventDriven"][1]]))

    harness.eventually(lambda: shop.get(gone) is None)
    harness.eventually(shop.settled)
    assert gone["metadata"]["name"] not in {entry["name"] for entry in shop.status()["inventory"]}


@pytest.mark.parametrize("key", [TRIGGER, SERVICE, CONFIG, CLAIM], ids=lambda key: key[0])
def test_a_deleted_object_is_made_again(key: tuple[str, str], shop: Kubectl) -> None:
    item = shop.wanted()[key]
    shop.server.merge(shop.path(item), {"metadata": {"finalizers": None}}).object()
    before = (shop.get(item) or {})["metadata"]["uid"]

    shop.server.delete(shop.path(item)).object()

    harness.eventually(lambda: (shop.get(item) or {}).get("metadata", {}).get("uid", before) != before)
    assert shop.restored(item)


EDITS = [
    (TRIGGER, {"spec": {"subscriber": {"ref": {"name": "other"}}}}),
    (SERVICE, {"spec": {"template": {"spec": {"containerConcurrency": 1}}}}),
    (CONFIG, {"data": {"config.json": "{}"}}),
    (CONFIG, {"data": {"config.json": None}}),
    (TRIGGER, {"metadata": {"labels": {"patternapp.dev/app": None}}}),
    (TRIGGER, {"metadata": {"labels": {"patternapp.dev/app": "another"}}}),
    (TRIGGER, {"metadata": {"ownerReferences": None}}),
    (TRIGGER, {"metadata": {"labels": None, "ownerReferences": None}}),
    (TRIGGER, {"metadata": {"managedFields": [{}]}}),
]


@pytest.mark.parametrize(("key", "patch"), EDITS, ids=lambda value: str(value)[:60])
def test_what_somebody_changes_is_put_right(key: tuple[str, str], patch: dict[str, Any], shop: Kubectl) -> None:
    item = shop.wanted()[key]

    changed_to = shop.server.merge(shop.path(item), patch).object()

    harness.eventually(lambda: version(shop, item) > int(changed_to["metadata"]["resourceVersion"]))
    assert shop.restored(item)


def version(shop: Kubectl, item: dict[str, Any]) -> int:
    return int((shop.get(item) or {})["metadata"]["resourceVersion"])


def test_what_others_add_beside_our_fields_is_left_alone(shop: Kubectl, operator: Replica) -> None:
    deployment = shop.wanted()[KEEPER]
    before = operator.metric('patternapp_objects_total{action="restored"}')

    shop.server.merge(shop.path(deployment), {"metadata": {"annotations": {"theirs": "yes"}}}).object()
    shop.apply(changed(image="ghcr.io/acme/shop:3"))
    harness.eventually(lambda: shop.restored(shop.wanted()[SERVICE]))

    assert ((shop.get(deployment) or {})["metadata"]["annotations"])["theirs"] == "yes"
    assert operator.metric('patternapp_objects_total{action="restored"}') == before


def test_an_object_of_somebody_else_is_left_alone_and_named(kubectl: Kubectl) -> None:
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG[1]}, "data": {"mine": "yes"}}
    made = kubectl.server.create(theirs, namespace=kubectl.namespace).object()

    kubectl.apply(APP)

    told = harness.eventually(lambda: kubectl.condition("DeadLetters"))
    assert (told["status"], told["reason"]) == ("False", "Conflict")
    assert "ConfigMap shop-dead-letters: it exists and belongs to field manager 'patternapp-test'" in told["message"]
    assert kubectl.condition()["reason"] == "Conflict"
    assert kubectl.get(theirs) == made
    assert kubectl.restored(kubectl.wanted()[TRIGGER])


def test_an_object_with_our_label_that_somebody_else_made_is_left_alone(kubectl: Kubectl) -> None:
    labels = {"patternapp.dev/app": "shop", "app.kubernetes.io/managed-by": "patternapp"}
    metadata = {"name": CONFIG[1], "labels": labels}
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mine": "yes"}}
    made = kubectl.server.create(theirs, namespace=kubectl.namespace).object()

    kubectl.apply(APP)

    harness.eventually(lambda: kubectl.condition("DeadLetters").get("reason") == "Conflict")
    assert kubectl.get(theirs) == made


def test_nothing_is_pruned_before_all_that_is_wanted_is_there(kubectl: Kubectl) -> None:
    kubectl.apply(changed(delivery={"deadLetter": {"uri": "https://dead.example.com/"}}))
    harness.eventually(kubectl.settled)
    gone = kubectl.wanted()[TRIGGER]
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG[1]}, "data": {"mine": "yes"}}
    kubectl.server.create(theirs, namespace=kubectl.namespace).object()

    kubectl.apply(changed(eventDriven=[APP["spec"]["eventDriven"][1]]))

    harness.eventually(lambda: kubectl.condition("DeadLetters").get("reason") == "Conflict")
    assert kubectl.get(gone) is not None
    kubectl.server.delete(kubectl.path(theirs)).object()
    harness.eventually(kubectl.settled)
    assert kubectl.get(gone) is None


def test_what_holds_data_stays_when_it_is_not_wanted_any_more(shop: Kubectl) -> None:
    claim = shop.wanted()[CLAIM]
    elsewhere = {"deadLetter": {"uri": "https://dead.example.com/"}}

    shop.apply(changed(delivery=elsewhere))

    harness.eventually(lambda: CONFIG not in shop.live())
    assert shop.get(claim) is not None


def test_with_the_policy_delete_what_holds_data_goes_too(shop: Kubectl) -> None:
    app = copy.deepcopy(changed(delivery={"deadLetter": {"uri": "https://dead.example.com/"}}))
    app["metadata"]["annotations"] = {"patternapp.dev/deletion-policy": "delete"}

    shop.apply(app)

    harness.eventually(lambda: CLAIM not in shop.live())


def test_with_the_policy_orphan_no_object_has_an_owner(shop: Kubectl) -> None:
    app = copy.deepcopy(APP)
    app["metadata"]["annotations"] = {"patternapp.dev/deletion-policy": "orphan"}

    shop.apply(app)

    harness.eventually(lambda: not any(item["metadata"].get("ownerReferences") for item in shop.live().values()))


def test_a_paused_app_is_left_alone_until_it_goes_on(shop: Kubectl) -> None:
    path = shop.server.path(APP, shop.namespace)
    shop.server.merge(path, {"metadata": {"annotations": {"patternapp.dev/paused": "true"}}}).object()
    harness.eventually(lambda: shop.condition("Paused").get("status") == "True")
    item = shop.wanted()[TRIGGER]

    shop.server.delete(shop.path(item)).object()
    shop.apply(changed(image="ghcr.io/acme/shop:4"))
    other = {**APP, "metadata": {"name": "other"}}
    shop.apply(other)
    harness.eventually(lambda: (shop.server.get(shop.server.path(other, shop.namespace)).object()).get("status"))

    assert shop.get(item) is None
    shop.server.merge(path, {"metadata": {"annotations": {"patternapp.dev/paused": None}}}).object()
    harness.eventually(lambda: shop.restored(item))
    harness.eventually(lambda: not shop.condition("Paused"))
