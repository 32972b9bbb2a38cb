from __future__ import annotations

import json
from typing import Any

import pytest

from patternapp_services import wire
from patternapp_services.gateway import app as gateway
from patternapp_services.gateway import cors

NOW = 1_790_000_000.5
PAGE = "https://shop.example.com"
ROUTES = (
    gateway.Route(name="place", path="/orders", methods=("POST",), function="orders"),
    gateway.Route(name="get", path="/orders/{id}", methods=("GET",), function="orders"),
    gateway.Route(name="click", path="/clicks", methods=("POST",), publish_type="shop.click"),
    gateway.Route(name="ping", path="/pings", methods=("GET",), publish_type="shop.ping", publish_source="/pinger"),
)


class Upstream:
    """Answers with what it saw."""

    def __init__(self) -> None:
        self.scope: wire.Scope = {}

    async def __call__(self, function: str, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        self.scope = scope
        await receive()
        headers = [(b"content-type", b"text/plain"), (b"access-control-allow-origin", b"https://evil.example")]
        body = f"{function} {scope['method']} {scope['raw_path'].decode()}".encode()
        await wire.respond(send, 200, body=body, headers=headers)

    def header(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.scope["headers"] if key == name]


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def app(upstream: Upstream, published: Any) -> gateway.Gateway:
    return _gateway(upstream, published, cors=None)


def _gateway(upstream: Upstream, published: Any, *, cors: cors.Cors | None) -> gateway.Gateway:
    rules = gateway.Rules(app="shop", routes=ROUTES, cors=cors)
    return gateway.Gateway(rules, upstream=upstream, publish=published, now=lambda: NOW, new_id=lambda: "id-1")


async def test_a_function_gets_the_path_as_it_was_sent(app: gateway.Gateway, call: Any) -> None:
    answer = await call(app, "GET", "/orders/a%2Fb?x=1")

    assert (answer.status, answer.body) == (200, b"orders GET /orders/a%2Fb")


async def test_head_asks_the_function_for_get_and_drops_the_body(app: gateway.Gateway, call: Any) -> None:
    answer = await call(app, "HEAD", "/orders/7")

    assert (answer.status, answer.body, answer.header(b"content-length")) == (200, b"", b"20")


async def test_an_unknown_path_is_a_problem_404(app: gateway.Gateway, call: Any) -> None:
    answer = await call(app, "GET", "/nowhere")

    assert answer.status == 404
    assert answer.header(b"content-type") == b"application/problem+json"
    assert json.loads(answer.body)["detail"] == "No route has the path /nowhere."


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/orders/7", b"GET, HEAD"),
        ("GET", "/orders", b"POST"),
        ("HEAD", "/pings", b"GET"),
        ("OPTIONS", "/clicks", b"POST"),
    ],
)
async def test_a_method_that_a_path_lacks_is_405_with_the_ones_it_has(
    app: gateway.Gateway, call: Any, *, method: str, path: str, allow: bytes
) -> None:
    answer = await call(app, method, path)

    assert (answer.status, answer.header(b"allow")) == (405, allow)


async def test_a_path_with_dots_is_400(app: gateway.Gateway, call: Any) -> None:
    answer = await call(app, "GET", "/orders/%2e%2e")

    assert answer.status == 400


async def test_the_way_here_is_told_by_the_gateway_alone(app: gateway.Gateway, upstream: Upstream, call: Any) -> None:
    forged = {
        "host": "shop.example.com",
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "gopher",
        "patternapp-event": "7",
        "forwarded": "for=203.0.113.9",
    }

    await call(app, "GET", "/orders/7", headers=forged)

    assert upstream.header(b"x-forwarded-for") == [b"192.0.2.7"]
    assert upstream.header(b"x-forwarded-host") == [b"shop.example.com"]
    assert upstream.header(b"x-forwarded-proto") == [b"https"]
    assert upstream.header(b"patternapp-event") == []
    assert upstream.header(b"forwarded") == [b"for=203.0.113.9"]


@pytest.mark.parametrize(("sent", "seen"), [({}, b"id-1"), ({"x-request-id": "r 1"}, b"id-1")])
async def test_a_request_id_is_made_where_there_is_none_worth_keeping(
    app: gateway.Gateway, upstream: Upstream, call: Any, *, sent: dict[str, str], seen: bytes
) -> None:
    await call(app, "GET", "/orders/7", headers=sent)

    assert upstream.header(b"x-request-id") == [seen]


async def test_a_request_id_is_kept(app: gateway.Gateway, upstream: Upstream, call: Any) -> None:
    await call(app, "GET", "/orders/7", headers={"x-request-id": "r-1"})

    assert upstream.header(b"x-request-id") == [b"r-1"]


async def test_a_published_request_becomes_an_event(app: gateway.Gateway, published: Any, call: Any) -> None:
    answer = await call(
        app,
        "POST",
        "/clicks?x=1",
        headers={"content-type": "application/json", "ce-partitionkey": "user%207"},
        body=b"{}",
    )

    assert (answer.status, json.loads(answer.body)) == (202, {"id": "id-1"})
    (event,) = published.events
    assert event.data == b"{}"
    assert event.attributes == {
        "specversion": "1.0",
        "id": "id-1",
        "source": "/gateways/shop",
        "type": "shop.click",
        "subject": "/clicks",
        "time": "2026-09-21T14:13:20.500000Z",
        "partitionkey": "user 7",
        "datacontenttype": "application/json",
    }


async def test_a_request_without_a_body_becomes_an_event_without_data(
    app: gateway.Gateway, published: Any, call: Any
) -> None:
    await call(app, "GET", "/pings", headers={"content-type": "application/json"})

    (event,) = published.events
    assert event.data is None
    assert "datacontenttype" not in event.attributes
    assert event.attributes["source"] == "/pinger"


@pytest.mark.parametrize("key", ["order-7", '"order-7"'])
async def test_an_idempotency_key_is_the_id_of_the_event(
    app: gateway.Gateway, published: Any, call: Any, *, key: str
) -> None:
    answer = await call(app, "POST", "/clicks", headers={"idempotency-key": key}, body=b"x")

    assert json.loads(answer.body) == {"id": "order-7"}
    assert published.events[0].attributes["id"] == "order-7"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        pytest.param({}, b"x" * (wire.BODY_LIMIT + 1), 413, id="a body that is too long"),
        pytest.param({"content-length": str(wire.BODY_LIMIT + 1)}, b"", 413, id="a length that is too long"),
        pytest.param({"content-type": "application/cloudevents+json"}, b"{}", 415, id="a whole event as data"),
        pytest.param({"content-type": "json"}, b"{}", 415, id="no media type"),
        pytest.param([("idempotency-key", "a"), ("idempotency-key", "b")], b"x", 400, id="two keys"),
        pytest.param({"idempotency-key": "a\x85b"}, b"x", 400, id="a control character in the key"),
        pytest.param({"ce-partitionkey": "a%0Ab"}, b"x", 400, id="a control character behind an encoding"),
    ],
)
async def test_requests_that_make_no_event_are_refused_and_not_published(
    app: gateway.Gateway, published: Any, call: Any, *, headers: Any, body: bytes, status: int
) -> None:
    answer = await call(app, "POST", "/clicks", headers=headers, body=body)

    assert answer.status == status
    assert published.events == []


async def test_a_store_that_refuses_is_503_with_retry_after(app: gateway.Gateway, published: Any, call: Any) -> None:
    published.refuse = True

    answer = await call(app, "POST", "/clicks", body=b"x")

    assert (answer.status, answer.header(b"retry-after")) == (503, b"1")


async def test_without_cors_nothing_is_added(app: gateway.Gateway, call: Any) -> None:
    answer = await call(app, "POST", "/clicks", headers={"origin": PAGE}, body=b"x")

    assert [name for name, _ in answer.headers] == [b"content-length", b"content-type"]


@pytest.fixture
def cors_app(upstream: Upstream, published: Any) -> gateway.Gateway:
    return _gateway(upstream, published, cors=cors.Cors(origins=(PAGE,), credentials=True))


async def test_a_preflight_is_answered_by_the_gateway(cors_app: gateway.Gateway, upstream: Upstream, call: Any) -> None:
    headers = {"origin": PAGE, "access-control-request-method": "GET"}

    answer = await call(cors_app, "OPTIONS", "/orders/7", headers=headers)

    assert answer.status == 204
    assert dict(answer.headers) == {
        b"access-control-allow-origin": PAGE.encode(),
        b"access-control-allow-credentials": b"true",
        b"access-control-allow-methods": b"GET, HEAD",
        b"access-control-allow-headers": b"authorization, content-type",
        b"access-control-max-age": b"600",
        b"vary": b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }
    assert upstream.scope == {}


async def test_a_strangers_preflight_is_granted_nothing(cors_app: gateway.Gateway, call: Any) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "GET"}

    answer = await call(cors_app, "OPTIONS", "/orders/7", headers=headers)

    assert (answer.status, [name for name, _ in answer.headers]) == (204, [b"vary"])


async def test_the_gateways_cors_replaces_the_functions(cors_app: gateway.Gateway, call: Any) -> None:
    answer = await call(cors_app, "GET", "/orders/7", headers={"origin": PAGE})

    assert [value for name, value in answer.headers if name == b"access-control-allow-origin"] == [PAGE.encode()]
    assert answer.header(b"vary") == b"Origin"


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}])
async def test_answers_to_nobody_and_strangers_vary_but_grant_nothing(
    cors_app: gateway.Gateway, call: Any, *, headers: dict[str, str]
) -> None:
    answer = await call(cors_app, "GET", "/orders/7", headers=headers)

    assert answer.header(b"access-control-allow-origin") is None
    assert answer.header(b"vary") == b"Origin"


async def test_refusals_carry_cors_too_so_that_pages_can_read_them(cors_app: gateway.Gateway, call: Any) -> None:
    answer = await call(cors_app, "GET", "/nowhere", headers={"origin": PAGE})

    assert (answer.status, answer.header(b"access-control-allow-origin")) == (404, PAGE.encode())


async def test_every_origin_is_a_star(upstream: Upstream, published: Any, call: Any) -> None:
    app = _gateway(upstream, published, cors=cors.Cors(origins=("*",)))

    answer = await call(app, "GET", "/orders/7", headers={"origin": PAGE})

    assert answer.header(b"access-control-allow-origin") == b"*"
    assert answer.header(b"vary") is None


def test_a_star_with_credentials_is_refused() -> None:
    with pytest.raises(ValueError, match="browsers refuse"):
        cors.Cors(origins=("*",), credentials=True)


def test_a_route_leads_to_exactly_one_end() -> None:
    with pytest.raises(ValueError, match="exactly one of function and publish_type"):
        gateway.Route(name="both", path="/", function="orders", publish_type="shop.click")
