"""What the API server makes of the definition of a PatternApp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cluster import definitions

if TYPE_CHECKING:
    from cluster import api

NAME = "patternapps.patternapp.dev"
APP = {
    "apiVersion": "patternapp.dev/v1alpha1",
    "kind": "PatternApp",
    "metadata": {"name": "shop"},
    "spec": {
        "functions": [{"name": "orders", "handler": "shop.orders:app"}],
        "queues": [
            {"name": "q", "function": "orders", "kafka": {"bootstrapServers": ["kafka:9092"], "topic": "t"}},
        ],
    },
}


@pytest.fixture
def created(server: api.Api, namespace: str) -> dict[str, Any]:
    return server.create(APP, namespace=namespace).object()


def test_it_is_established_and_its_schema_is_structural(server: api.Api) -> None:
    assert definitions.conditions(server, NAME) == {"NamesAccepted": "True", "Established": "True"}


def test_it_is_taken_without_a_warning(server: api.Api) -> None:
    (definition,) = definitions.read(definitions.OWN)

    assert server.judge(definition).warnings == ()


def test_it_is_found_by_its_short_name_and_among_all(server: api.Api) -> None:
    (resource,) = server.resources("patternapp.dev/v1alpha1")

    assert (resource["name"], resource["shortNames"], resource["categories"]) == ("patternapps", ["papp"], ["all"])


def test_what_is_left_out_is_filled_in(created: dict[str, Any]) -> None:
    function, queue = created["spec"]["functions"][0], created["spec"]["queues"][0]

    assert function["timeout"] == "30s"
    assert function["scale"] == {"min": 0, "max": 10, "concurrency": 40, "idle": "60s"}
    assert queue["scale"] == {"min": 0, "max": 10, "lag": 100, "idle": "60s"}
    assert queue["ordering"] == "unordered"


def test_a_table_shows_whether_an_app_is_ready_and_where_it_is(
    created: dict[str, Any], server: api.Api, namespace: str
) -> None:
    path = server.path(created, namespace)
    ready = {"type": "Ready", "status": "False", "reason": "Broken", "message": "m"}
    ready["lastTransitionTime"] = "2026-01-02T03:04:05Z"
    status = {"conditions": [ready], "url": "https://shop.example.com", "objects": {"desired": 7, "ready": 6}}
    server.merge(f"{path}/status", {"status": status}).object()

    table = server.request("GET", path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}).object()

    assert [column["name"] for column in table["columnDefinitions"]] == [
        "Name",
        "Ready",
        "Reason",
        "URL",
        "Objects",
        "Age",
    ]
    assert table["rows"][0]["cells"][:5] == ["shop", "False", "Broken", "https://shop.example.com", 7]


def test_a_status_is_written_only_through_its_own_resource(
    created: dict[str, Any], server: api.Api, namespace: str
) -> None:
    path = server.path(created, namespace)

    server.merge(path, {"status": {"url": "https://shop.example.com"}}).object()

    assert "status" not in server.get(path).object()
