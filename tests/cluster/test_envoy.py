"""What Envoy is told of Knative's Ingress objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cluster.stack import addresses, envoy

FOLDER = Path("/files")


def split(service: str, *, percent: int = 100, headers: dict[str, str] | None = None) -> dict[str, Any]:
    backend = {"serviceNamespace": "shop", "serviceName": service, "servicePort": 80}
    return {**backend, "percent": percent, "appendHeaders": headers or {}}


def ingress(*paths: dict[str, Any], host: str = "orders.shop", visibility: str = "ClusterLocal") -> envoy.Known:
    rule = {"hosts": [host], "visibility": visibility, "http": {"paths": list(paths)}}
    return envoy.Known(ingresses={("shop", "orders"): {"spec": {"rules": [rule]}}})


def hosts(known: envoy.Known, listener: str) -> list[dict[str, Any]]:
    (routes,) = envoy.resources(known, FOLDER)[f"routes.{listener}"]
    found: list[dict[str, Any]] = routes["virtual_hosts"]
    return found


def routes(known: envoy.Known) -> list[dict[str, Any]]:
    (host,) = hosts(known, "internal")
    found: list[dict[str, Any]] = host["routes"]
    return found


def ends(known: envoy.Known) -> list[tuple[str, int]]:
    (assignment,) = envoy.resources(known, FOLDER)["endpoints.shop.orders.80"]
    (group,) = assignment["endpoints"]
    places = [end["endpoint"]["address"]["socket_address"] for end in group["lb_endpoints"]]
    return [(place["address"], place["port_value"]) for place in places]


def test_a_host_of_the_cluster_is_not_behind_the_listener_of_the_world() -> None:
    known = ingress({"splits": [split("orders")]})

    assert [host["domains"] for host in hosts(known, "internal")] == [["orders.shop"]]
    assert hosts(known, "external") == []


def test_a_host_of_the_world_is_behind_its_listener_only() -> None:
    known = ingress({"splits": [split("orders")]}, host="shop.example.com", visibility="ExternalIP")

    assert [host["domains"] for host in hosts(known, "external")] == [["shop.example.com"]]
    assert hosts(known, "internal") == []


def test_of_a_host_that_two_ingresses_claim_the_first_by_name_has_it() -> None:
    mine, other = ({"spec": {"rules": [{"hosts": ["a.b"], "http": {"paths": []}}]}} for _ in range(2))
    known = envoy.Known(ingresses={("z", "other"): other, ("a", "mine"): mine})

    assert [host["name"] for host in hosts(known, "external")] == ["a/mine/0"]


def test_a_route_that_asks_for_a_header_comes_before_the_one_that_does_not() -> None:
    tagged = {"headers": {"Knative-Serving-Tag": {"exact": "blue"}}, "splits": [split("blue")]}

    first, second = routes(ingress({"splits": [split("orders")]}, tagged))

    assert first["match"]["headers"] == [{"name": "Knative-Serving-Tag", "string_match": {"exact": "blue"}}]
    assert second["match"]["headers"] == []


def test_a_longer_path_comes_before_a_shorter_one() -> None:
    found = routes(ingress({"splits": [split("orders")]}, {"path": "/old", "splits": [split("old")]}))

    assert [route["match"]["prefix"] for route in found] == ["/old", "/"]


def test_requests_are_split_by_percent_with_the_headers_of_each_part() -> None:
    parts = [split("new", percent=10, headers={"Knative-Serving-Revision": "new"}), split("old", percent=90)]

    (route,) = routes(ingress({"splits": parts}))

    new, old = route["route"]["weighted_clusters"]["clusters"]
    assert (new["name"], new["weight"], old["name"], old["weight"]) == ("shop.new.80", 10, "shop.old.80", 90)
    assert new["request_headers_to_add"][0]["header"] == {"key": "Knative-Serving-Revision", "value": "new"}


def test_the_host_of_a_domain_mapping_becomes_that_of_its_service() -> None:
    (route,) = routes(ingress({"rewriteHost": "orders.shop.svc.cluster.local", "splits": [split("orders")]}))

    assert route["route"]["host_rewrite_literal"] == "orders.shop.svc.cluster.local"


def test_a_service_of_a_route_leads_to_the_internal_listener() -> None:
    alias = {"spec": {"type": "ExternalName", "externalName": "kourier-internal.kourier-system.svc.cluster.local"}}
    known = ingress({"splits": [split("orders")]})

    found = ends(envoy.Known(known.ingresses, services={("shop", "orders"): alias}))

    assert found == [(addresses.NODE, addresses.INTERNAL_INGRESS)]


def test_requests_go_to_ready_pods_at_the_port_that_the_service_means() -> None:
    service = {"spec": {"ports": [{"name": "http", "port": 80}, {"name": "metrics", "port": 9090}]}}
    pods = {
        "metadata": {"labels": {"kubernetes.io/service-name": "orders"}},
        "ports": [{"name": "http", "port": 8012}, {"name": "metrics", "port": 9090}],
        "endpoints": [
            {"addresses": ["10.1.1.2"], "conditions": {"ready": True}},
            {"addresses": ["10.1.1.3"], "conditions": {"ready": False}},
        ],
    }
    others = {**pods, "metadata": {"labels": {"kubernetes.io/service-name": "stock"}}}
    known = ingress({"splits": [split("orders")]})
    slices = {("shop", "orders-1"): pods, ("shop", "stock-1"): others, ("other", "orders-1"): pods}

    found = ends(envoy.Known(known.ingresses, services={("shop", "orders"): service}, slices=slices))

    assert found == [("10.1.1.2", 8012)]


def test_a_service_that_is_not_there_has_no_pods() -> None:
    assert ends(ingress({"splits": [split("orders")]})) == []
