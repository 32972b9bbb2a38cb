from __future__ import annotations

import pytest

from patternapp_services.gateway import routing

PATHS = (
    "/",
    "/orders",
    "/orders/",
    "/orders/latest",
    "/orders/{id}",
    "/orders/{id}/lines",
    "/orders/{rest...}",
    "/{kind}/latest",
    "/caf%C3%A9",
)


@pytest.mark.parametrize(
    ("path", "winner"),
    [
        pytest.param(b"/", "/", id="the root is a path"),
        pytest.param(b"/orders", "/orders", id="a literal path"),
        pytest.param(b"/orders/", "/orders/", id="a trailing slash makes another path"),
        pytest.param(b"/orders/latest", "/orders/latest", id="a literal segment beats a name"),
        pytest.param(b"/orders/7", "/orders/{id}", id="a name stands for one segment"),
        pytest.param(b"/orders/7/lines", "/orders/{id}/lines", id="a name beats the rest"),
        pytest.param(b"/orders/7/parts/1", "/orders/{rest...}", id="the rest is any number of segments"),
        pytest.param(b"/orders/7/", "/orders/{rest...}", id="the rest may end in a slash"),
        pytest.param(b"/carts/latest", "/{kind}/latest", id="a name may come first"),
        pytest.param(b"/%6Frders", "/orders", id="segments are compared decoded"),
        pytest.param(b"/orders/a%2Fb", "/orders/{id}", id="an encoded slash does not split"),
        pytest.param(b"/caf%c3%a9", "/caf%C3%A9", id="a route's path is decoded too"),
        pytest.param(b"/ORDERS", None, id="case counts"),
        pytest.param(b"//orders", None, id="no slash is merged"),
        pytest.param(b"/carts/", None, id="a name is never empty"),
    ],
)
def test_the_most_literal_path_wins(path: bytes, winner: str | None) -> None:
    table = routing.Table((path, ("GET",), path) for path in PATHS)

    match = table.find(routing.segments(path), "GET")

    assert match.entry == winner


def test_a_less_literal_route_answers_methods_that_the_most_literal_one_lacks() -> None:
    table = routing.Table([("/orders/latest", ("GET",), "latest"), ("/orders/{id}", ("GET", "DELETE"), "one")])

    match = table.find(("orders", "latest"), "DELETE")

    assert match == routing.Match("one", ("DELETE", "GET"))


def test_a_method_that_no_route_has_leaves_the_methods_that_the_path_has() -> None:
    table = routing.Table([("/orders", ("POST",), "place"), ("/{any}", ("GET",), "any")])

    match = table.find(("orders",), "PUT")

    assert match == routing.Match(None, ("GET", "POST"))


@pytest.mark.parametrize(
    "path",
    [
        b"/a/../b",
        b"/..",
        b"/a/.",
        b"/%2e%2E/b",
        b"/a%2F..%2Fb",
        b"/a%5C..%5Cb",
        b"/a%00b",
        b"/a%0D%0Ab",
        b"/%ff",
        "/é".encode(),
        b"a",
    ],
)
def test_paths_that_somebody_behind_us_could_misread_are_refused(path: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it "):
        routing.segments(path)


@pytest.mark.parametrize("path", ["/a{b}", "/{}", "/{a}{b}", "/{rest...}/more", "/{1}"])
def test_malformed_paths_of_routes_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"write a whole segment|nothing can follow"):
        routing.Table([(path, ("GET",), None)])


def test_two_routes_of_equal_rank_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two routes claim GET /orders/\{key\}"):
        routing.Table([("/orders/{id}", ("GET",), 1), ("/orders/{key}", ("GET",), 2)])
