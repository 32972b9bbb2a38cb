"""What is left when apps, their definition, their namespace or the operator go: the real garbage collector judges."""

from __future__ import annotations

import copy
import json
import uuid
from typing import TYPE_CHECKING, Any

import harness
import pytest
import yaml
from apiserver.operator import rig
from cluster import definitions, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster import api

SHOP = versions.ROOT / "examples" / "shop" / "app.yaml"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/patternapps.patternapp.dev"


def with_policy(policy: str) -> dict[str, Any]:
    app = copy.deepcopy(rig.APP)
    app["metadata"]["annotations"] = {"patternapp.dev/deletion-policy": policy}
    return app


def delete(kubectl: rig.Kubectl, propagation: str = "Background") -> None:
    options = {"propagationPolicy": propagation}
    kubectl.server.request("DELETE", kubectl.server.path(rig.APP, kubectl.namespace), options).object()


def is_gone(server: api.Api, path: str) -> bool:
    return server.get(path).status == 404


@pytest.mark.usefixtures("operator")
def test_what_an_app_made_goes_with_it_and_what_holds_data_stays(shop: rig.Kubectl) -> None:
    before = shop.get(shop.wanted()[rig.CLAIM])

    delete(shop)

    harness.eventually(lambda: shop.live().keys() == {rig.CLAIM}, within=rig.COLLECTED_WITHIN)
    assert shop.live()[rig.CLAIM]["metadata"]["uid"] == (before or {})["metadata"]["uid"]
    assert "deletionTimestamp" not in shop.live()[rig.CLAIM]["metadata"]


@pytest.mark.usefixtures("operator")
def test_an_app_that_is_deleted_in_the_foreground_is_not_made_again_while_it_goes(shop: rig.Kubectl) -> None:
    delete(shop, "Foreground")

    harness.eventually(
        lambda: is_gone(shop.server, shop.server.path(rig.APP, shop.namespace)), within=rig.COLLECTED_WITHIN
    )
    harness.eventually(lambda: shop.live().keys() == {rig.CLAIM}, within=rig.COLLECTED_WITHIN)


@pytest.mark.usefixtures("operator")
def test_with_the_policy_delete_the_data_goes_with_the_app(kubectl: rig.Kubectl) -> None:
    kubectl.apply(with_policy("delete"))
    harness.eventually(kubectl.settled)

    delete(kubectl)

    harness.eventually(lambda: kubectl.live() == {}, within=rig.COLLECTED_WITHIN)


@pytest.mark.usefixtures("operator")
def test_with_the_policy_orphan_everything_outlives_the_app(kubectl: rig.Kubectl, operator: rig.Replica) -> None:
    kubectl.apply(with_policy("orphan"))
    harness.eventually(kubectl.settled)
    before = kubectl.live()

    delete(kubectl)

    judged(kubectl)
    assert kubectl.live() == before
    assert operator.get("/livez") == "ok"


@pytest.mark.usefixtures("operator")
def test_objects_that_a_user_asked_to_orphan_outlive_the_app(shop: rig.Kubectl) -> None:
    before = shop.live()

    delete(shop, "Orphan")
    harness.eventually(
        lambda: is_gone(shop.server, shop.server.path(rig.APP, shop.namespace)), within=rig.COLLECTED_WITHIN
    )

    judged(shop)
    assert shop.live().keys() == before.keys()
    assert not any(item["metadata"].get("ownerReferences") for item in shop.live().values())


def judged(kubectl: rig.Kubectl) -> None:
    """Return once the garbage collector has dealt with what came before: it takes what this deletes, in turn."""
    bait = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"bait-{uuid.uuid4().hex[:8]}"}}
    made = kubectl.server.create(bait, namespace=kubectl.namespace).object()
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": made["metadata"]["name"], "uid": made["metadata"]["uid"]}
    owned = copy.deepcopy(bait)
    owned["metadata"] = {"name": f"owned-{uuid.uuid4().hex[:8]}", "ownerReferences": [owner]}
    kubectl.server.create(owned, namespace=kubectl.namespace).object()
    kubectl.server.delete(kubectl.path(made)).object()
    harness.eventually(lambda: kubectl.get(owned) is None, within=rig.COLLECTED_WITHIN)


@pytest.mark.usefixtures("operator")
def test_a_namespace_that_is_deleted_while_the_operator_works_in_it_goes_with_all_that_is_in_it(
    kubectl: rig.Kubectl, operator: rig.Replica
) -> None:
    place = f"/api/v1/namespaces/{kubectl.namespace}"
    for number in range(5):
        app = yaml.safe_load(SHOP.read_text())
        app["metadata"]["name"] = f"shop-{number}"
        kubectl.apply(app)
    harness.eventually(lambda: len(kubectl.live()) > 10)

    kubectl.server.delete(place).object()

    harness.eventually(lambda: is_gone(kubectl.server, place), within=rig.COLLECTED_WITHIN)
    harness.eventually(lambda: operator.metric("patternapp_apps") == 0)
    harness.eventually(lambda: operator.metric('workqueue_depth{name="patternapp"}') == 0)
    entries = [json.loads(line) for line in operator.log.read_text().splitlines()]
    assert [entry for entry in entries if entry["level"] == "error"] == []


def test_a_namespace_goes_although_no_operator_is_there_any_more(
    kubectl: rig.Kubectl, replicas: Callable[..., rig.Replica]
) -> None:
    first = replicas().start()
    kubectl.apply(with_policy("delete"))
    harness.eventually(kubectl.settled)
    assert first.end() == 0
    place = f"/api/v1/namespaces/{kubectl.namespace}"

    kubectl.server.delete(place).object()

    harness.eventually(lambda: is_gone(kubectl.server, place), within=rig.COLLECTED_WITHIN)


@pytest.fixture
def without_definition(server: api.Api) -> Iterator[Callable[[], None]]:
    """Deletes the definition of PatternApp, which is there again afterwards."""

    def delete() -> None:
        server.delete(DEFINITION).object()
        harness.eventually(lambda: is_gone(server, DEFINITION), within=rig.COLLECTED_WITHIN)

    yield delete
    definitions.install(server)


def test_a_namespace_goes_although_the_definition_went_before_its_apps(
    kubectl: rig.Kubectl, replicas: Callable[..., rig.Replica], without_definition: Callable[[], None]
) -> None:
    first = replicas().start()
    kubectl.apply(rig.APP)
    harness.eventually(kubectl.settled)
    assert first.end() == 0
    place = f"/api/v1/namespaces/{kubectl.namespace}"

    without_definition()
    harness.eventually(lambda: kubectl.live().keys() == {rig.CLAIM}, within=rig.COLLECTED_WITHIN)
    kubectl.server.delete(place).object()

    harness.eventually(lambda: is_gone(kubectl.server, place), within=rig.COLLECTED_WITHIN)


def test_an_operator_outlives_the_definition_and_goes_on_when_it_is_back(
    kubectl: rig.Kubectl,
    replicas: Callable[..., rig.Replica],
    server: api.Api,
    without_definition: Callable[[], None],
) -> None:
    replica = replicas().start()
    kubectl.apply(rig.APP)
    harness.eventually(kubectl.settled)

    without_definition()
    harness.eventually(lambda: kubectl.live().keys() == {rig.CLAIM}, within=rig.COLLECTED_WITHIN)
    harness.eventually(lambda: replica.metric("patternapp_apps") == 0)
    definitions.install(server)
    kubectl.apply(rig.APP)

    harness.eventually(kubectl.settled, within=rig.COLLECTED_WITHIN)
    assert replica.end() == 0
