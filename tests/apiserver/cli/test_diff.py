"""`patternapp diff`: what applying a file would change, asked of a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import harness
import pytest
from apiserver.operator import rig

from patternapp.cluster import resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.cli.conftest import Commands

PAUSED = {"name": "shop", "annotations": {resources.PAUSED: "true"}}


def with_env(*env: dict[str, str]) -> dict[str, Any]:
    """The app with environment variables of its function."""
    return rig.changed(functions=[rig.APP["spec"]["functions"][0] | {"env": list(env)}])


def objects(found: Any) -> dict[str, dict[str, Any]]:
    """The objects of a review of one app, by kind and name."""
    return {f"{one['kind']} {one['name']}": one for one in found["apps"][0]["objects"]}


def test_what_the_operator_has_made_shows_no_difference(shop: rig.Kubectl, patternapp: Commands) -> None:
    result = patternapp.diff(rig.APP, "--exit-code")

    count = len(shop.wanted()) + 1
    assert (result.code, result.out) == (0, f"{shop.namespace}/shop (dry run): {count} unchanged\n")


def test_an_app_that_is_not_there_would_be_made_and_is_not(kubectl: rig.Kubectl, patternapp: Commands) -> None:
    result = patternapp.diff(rig.APP)

    first, *_ = result.out.splitlines()
    assert (result.code, first) == (0, "+ PatternApp.patternapp.dev shop created")
    assert "+ Service.serving.knative.dev shop-orders created" in result.out
    assert kubectl.server.get(kubectl.server.path(rig.APP, kubectl.namespace)).status == 404
    assert kubectl.live() == {}


def test_differences_are_an_exit_code_where_they_are_asked_for(kubectl: rig.Kubectl, patternapp: Commands) -> None:
    assert kubectl.live() == {}

    assert patternapp.diff(rig.APP, "--exit-code").code == 1


def test_fields_are_shown_as_they_are_and_would_be(shop: rig.Kubectl, patternapp: Commands) -> None:
    changed = rig.changed(
        eventDriven=[
            {"name": "paid", "filters": [{"exact": {"type": "shop.payed"}}], "function": "orders"},
            rig.APP["spec"]["eventDriven"][1],
        ]
    )

    lines = patternapp.diff(changed).out.splitlines()

    assert lines == [
        "~ PatternApp.patternapp.dev shop changed",
        '    ~ spec.eventDriven[paid].filters[0].exact.type: "shop.paid" -> "shop.payed"',
        "~ Trigger.eventing.knative.dev shop-event-driven-paid changed",
        '    ~ spec.filters[0].exact.type: "shop.paid" -> "shop.payed"',
        f"{shop.namespace}/shop (dry run): 2 changed, {len(shop.wanted()) - 1} unchanged",
    ]


@pytest.mark.usefixtures("operator")
def test_a_field_that_is_no_longer_wanted_is_seen_to_go(kubectl: rig.Kubectl, patternapp: Commands) -> None:
    kubectl.apply(with_env({"name": "LEVEL", "value": "info"}))
    harness.eventually(kubectl.settled)

    lines = patternapp.diff(with_env()).out.splitlines()

    assert '    - spec.functions[orders].env[LEVEL]: {"name": "LEVEL", "value": "info"}' in lines
    container = "spec.template.spec.containers[function]"
    assert f'    - {container}.env[LEVEL]: {{"name": "LEVEL", "value": "info"}}' in lines


def test_an_entry_that_is_taken_out_takes_its_objects_along(shop: rig.Kubectl, patternapp: Commands) -> None:
    fewer = rig.changed(eventDriven=rig.APP["spec"]["eventDriven"][:1])

    result = patternapp.diff(fewer)

    assert shop.live().keys() == shop.wanted().keys()
    assert "- Trigger.eventing.knative.dev shop-event-driven-sent deleted" in result.out.splitlines()


def test_what_holds_data_is_kept_by_the_deletion_policy(shop: rig.Kubectl, patternapp: Commands) -> None:
    elsewhere = rig.changed(delivery={"deadLetter": {"uri": "https://dead.example.com"}})

    found = objects(patternapp.diff(elsewhere, "-o", "json").json())

    assert shop.live().keys() == shop.wanted().keys()
    assert found["PersistentVolumeClaim shop-dead-letters"]["verdict"] == "kept"
    assert "policy (retain)" in found["PersistentVolumeClaim shop-dead-letters"]["message"]
    assert found["Deployment shop-dead-letters"]["verdict"] == "deleted"


def test_a_field_that_another_manager_set_is_named_with_the_manager(shop: rig.Kubectl, patternapp: Commands) -> None:
    # While the app is paused the operator leaves it as it is.
    shop.apply(rig.APP | {"metadata": PAUSED})
    trigger = shop.wanted()[rig.TRIGGER]
    shop.server.merge(shop.path(trigger), {"spec": {"filters": [{"exact": {"type": "theirs"}}]}}).object()

    result = patternapp.diff(rig.APP)

    assert '    ~ spec.filters[0].exact.type: "theirs" -> "shop.paid"' in result.out
    assert "    ! spec.filters is also set by " in result.out
    assert "it is paused (patternapp.dev/paused)" in result.out
    assert result.code == 0


def test_an_object_of_somebody_else_is_in_the_way(kubectl: rig.Kubectl, patternapp: Commands) -> None:
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": rig.CONFIG[1]}, "data": {"theirs": "1"}}
    kubectl.server.apply(theirs, namespace=kubectl.namespace).object()

    result = patternapp.diff(rig.APP)

    assert result.code == 1
    assert f"! ConfigMap {rig.CONFIG[1]} foreign: it exists and belongs to" in result.out


def test_a_kind_that_the_server_does_not_have_is_named(kubectl: rig.Kubectl, patternapp: Commands) -> None:
    ceph = {"claim": "uploads", "objectStore": "store", "objectStoreNamespace": "rook"}
    source = {"bucket": {"name": "uploads", "events": ["created"], "ceph": ceph}}
    uploads = rig.changed(eventDriven=[{"name": "upload", "source": source, "function": "orders"}])

    found = objects(patternapp.diff(uploads, "-o", "json").json())

    assert kubectl.live() == {}
    (topic,) = (one for one in found.values() if one["kind"] == "CephBucketTopic")
    assert topic["verdict"] == "unserved"
    assert "cephbuckettopics.ceph.rook.io at ceph.rook.io/v1; install what serves it" in topic["message"]


def test_the_namespace_of_the_file_goes_before_the_option(kubectl: rig.Kubectl, patternapp: Commands) -> None:
    placed = rig.APP | {"metadata": {"name": "shop", "namespace": kubectl.namespace}}

    assert patternapp.diff(placed, "-n", "elsewhere").out.endswith(
        f"{kubectl.namespace}/shop (dry run): {len(patternapp.diff(placed).out.splitlines()) - 1} created\n"
    )


def test_a_namespace_that_is_not_there_is_wrong_input(patternapp: Commands) -> None:
    result = patternapp.diff(rig.APP, "-n", "nowhere")

    assert (result.code, result.out) == (1, "")
    assert "there is no namespace nowhere; name another with -n, or: kubectl create namespace nowhere" in result.err


def test_a_file_that_is_wrong_asks_no_cluster(patternapp: Commands) -> None:
    result = patternapp.diff(rig.changed(functions=[]), "--kubeconfig", "missing")

    assert (result.code, result.out) == (1, "")
    assert "spec.functions" in result.err


def annotate(shop: rig.Kubectl) -> None:
    """Do what Knative's webhook does."""
    stamp = {"metadata": {"annotations": {"serving.knative.dev/lastModifier": "them"}}}
    shop.server.merge(shop.path(shop.wanted()[rig.SERVICE]), stamp).object()


def add_a_field(shop: rig.Kubectl) -> None:
    """Set a field that we leave to others."""
    shop.server.merge(shop.path(shop.wanted()[rig.KEEPER]), {"spec": {"minReadySeconds": 3}}).object()


@pytest.mark.parametrize("others", [rig.Kubectl.work, annotate, add_a_field], ids=lambda done: done.__name__)
def test_what_others_write_beside_our_fields_is_no_difference(
    others: Callable[[rig.Kubectl], None], shop: rig.Kubectl, patternapp: Commands
) -> None:
    others(shop)

    result = patternapp.diff(rig.APP, "--exit-code")

    assert result.code == 0, result.out
