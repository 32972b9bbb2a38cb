from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pydantic
import pytest

from patternapp.receiver import Receiver

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Make = Callable[..., Any]


class Item(pydantic.BaseModel):
    sku: str
    price: float


class Order(pydantic.BaseModel):
    number: int
    items: list[Item] = []


ORDER = b'{"number": 7, "items": [{"sku": "pen", "price": 1.5}]}'


def test_events_go_to_the_handler_of_their_type(caller: Make, event: Make) -> None:
    app, got = Receiver(), []
    app.on("a")(lambda: got.append("a"))
    app.on("b")(lambda: got.append("b"))
    app.on()(lambda: got.append("any"))

    for type_ in "abc":
        caller(app).deliver(event(type_))

    assert got == ["a", "b", "any"]


def test_an_unknown_type_is_refused_for_good(caller: Make, event: Make) -> None:
    response = caller(Receiver()).deliver(event("a"))

    assert (response.status, response.detail) == (422, "type: no handler takes a")


def test_a_message_that_is_no_event_is_a_bad_request(caller: Make) -> None:
    response = caller(Receiver()).request(body=b"hello")

    assert (response.status, response.detail) == (400, "not a CloudEvent: id: is missing")


def test_a_body_over_the_limit_is_refused(caller: Make, event: Make) -> None:
    app = Receiver(max_body_size=10)
    app.on("a")(lambda: None)

    assert caller(app).deliver(event("a", b'"12345678"')).status == 204
    response = caller(app).deliver(event("a", b'"123456789"'))

    assert (response.status, response.detail) == (413, "the body is over 10 bytes")


def test_a_plain_function_runs_in_a_thread_and_a_coroutine_function_does_not(caller: Make, event: Make) -> None:
    app, threads = Receiver(), {}

    @app.on("plain")
    def plain() -> None:
        threads["plain"] = threading.current_thread()

    @app.on("coroutine")
    async def coroutine() -> None:
        threads["coroutine"] = threading.current_thread()

    caller(app).deliver(event("plain"))
    caller(app).deliver(event("coroutine"))

    assert threads["plain"] is not threading.current_thread()
    assert threads["coroutine"] is threading.current_thread()


def test_an_object_with_a_coroutine_call_is_a_handler(caller: Make, event: Make) -> None:
    got = []

    class Handle:
        async def __call__(self, order: Order) -> None:
            got.append(order.number)

    app = Receiver()
    app.on("a")(Handle())

    assert caller(app).deliver(event("a", ORDER)).status == 204
    assert got == [7]


def test_ordinary_routes_are_beside_the_events(caller: Make) -> None:
    app = Receiver()

    @app.get("/orders/{number}")
    def order(number: int) -> dict[str, int]:
        return {"number": number}

    response = caller(app).request("/orders/7", method="GET")

    assert (response.status, response.body) == (200, b'{"number":7}')


def test_events_pass_the_middleware(caller: Make, event: Make) -> None:
    app, seen = Receiver(), []

    class Middleware:
        def __init__(self, app: ASGIApp, name: str) -> None:
            self.app, self.name = app, name

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(self.name)
            await self.app(scope, receive, send)

    app.add_middleware(Middleware, "inner")
    app.add_middleware(Middleware, "outer")
    app.on("a")(lambda: None)

    assert caller(app).deliver(event("a")).status == 204
    assert seen == ["outer", "inner"]


def test_a_mounted_receiver_takes_events_at_its_own_root(caller: Make) -> None:
    assert caller(Receiver()).request("/shop/", root="/shop").status == 400


def test_a_sender_that_goes_away_is_not_answered() -> None:
    app = Receiver()

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    coroutine = app(scope, receive, send)

    with pytest.raises(StopIteration):
        coroutine.send(None)
