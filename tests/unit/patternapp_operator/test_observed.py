from __future__ import annotations

from typing import Any

import pytest

from patternapp.cluster import resources
from patternapp.cluster.resources import AppKey
from patternapp_operator import observed

SHOP = AppKey("ns", "shop")


def config_map(version: int, **changes: Any) -> dict[str, Any]:
    metadata = {
        "name": "one",
        "namespace": "ns",
        "uid": "u1",
        "resourceVersion": str(version),
        "labels": {"patternapp.dev/app": "shop"},
        "managedFields": [{"manager": "patternapp", "operation": "Apply", "fieldsV1": {"f:data": {}}}],
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata | changes}


def note(store: observed.Observed, body: dict[str, Any]) -> frozenset[AppKey]:
    return store.note(resources.ref(body), body)


@pytest.fixture
def store() -> observed.Observed:
    result = observed.Observed()
    note(result, config_map(5))
    return result


def test_an_older_state_changes_nothing(store: observed.Observed) -> None:
    assert note(store, config_map(4, uid="u0")) == frozenset()
    assert [seen.uid for _, seen in store.of(SHOP)] == ["u1"]


def test_a_change_that_the_operator_does_not_act_on_concerns_nobody(store: observed.Observed) -> None:
    assert note(store, config_map(6, annotations={"theirs": "yes"})) == frozenset()


def test_a_change_of_a_field_of_ours_concerns_the_app(store: observed.Observed) -> None:
    theirs = {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-01T00:00:00Z"}
    ours = {"manager": "patternapp", "operation": "Apply", "fieldsV1": {}}

    assert note(store, config_map(6, managedFields=[ours, theirs])) == {SHOP}
    ((_, seen),) = store.of(SHOP)
    assert seen.rival == "kubectl-edit"


def test_a_label_that_is_changed_concerns_both_apps(store: observed.Observed) -> None:
    concerned = note(store, config_map(6, labels={"patternapp.dev/app": "other"}))

    assert concerned == {SHOP, AppKey("ns", "other")}
    assert list(store.of(SHOP)) == []


def test_late_news_of_what_was_deleted_does_not_bring_it_back(store: observed.Observed) -> None:
    assert store.gone(resources.ref(config_map(7)), 7) == {SHOP}

    assert note(store, config_map(6)) == frozenset()
    assert len(store) == 0


def test_a_deletion_of_an_earlier_object_is_not_one_of_the_present(store: observed.Observed) -> None:
    note(store, config_map(9, uid="u2"))

    assert store.gone(resources.ref(config_map(7)), 7) == frozenset()
    assert len(store) == 1


def app(version: int, uid: str = "a1") -> dict[str, Any]:
    metadata = {"name": "shop", "namespace": "ns", "uid": uid, "resourceVersion": str(version), "generation": 1}
    return {"apiVersion": resources.APP_API, "kind": "PatternApp", "metadata": metadata, "spec": {}}


def test_an_echo_of_our_own_write_is_no_news_of_an_app() -> None:
    apps = observed.Apps()

    assert apps.note(app(5)) == SHOP
    assert apps.note(app(5)) is None


def test_the_deletion_of_an_earlier_app_of_the_name_leaves_the_present_one() -> None:
    apps = observed.Apps()
    apps.note(app(9, "a2"))

    assert apps.gone(SHOP, "a1") is None
    assert list(apps) == [SHOP]
