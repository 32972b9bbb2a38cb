from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pydantic
import pytest
from cloudevents.core.v1.event import CloudEvent

from patternapp import cloudevents
from patternapp.receiver import Event, Receiver

Make = Callable[..., Any]


class Item(pydantic.BaseModel):
    sku: str
    price: float


class Order(pydantic.BaseModel):
    number: int
    items: list[Item] = []


ORDER = b'{"number": 7, "items": [{"sku": "pen", "price": 1.5}]}'


@pytest.mark.parametrize("encode", [cloudevents.encode_binary, cloudevents.encode_structured])
def test_a_handler_gets_the_data_as_its_model_and_none_is_answered_with_nothing(
    caller: Make, event: Make, encode: Any
) -> None:
    app, got = Receiver(), []

    @app.on("order.placed")
    async def handle(order: Order) -> None:
        got.append(order)

    response = caller(app).deliver(event("order.placed", ORDER), encode=encode)

    assert got == [Order(number=7, items=[Item(sku="pen", price=1.5)])]
    assert (response.status, response.headers, response.body) == (204, {}, b"")


def test_a_handler_gets_whatever_its_annotations_ask_for(caller: Make, event: Make) -> None:
    app = Receiver()
    got: list[Any] = []

    @app.on("order.placed")
    async def handle(sdk: CloudEvent, *, order: Order, ours: Event[Order]) -> None:
        got.extend([sdk, order, ours])

    caller(app).deliver(event("order.placed", ORDER, time="2026-01-31T12:00:00Z"))

    sdk, order, ours = got
    assert sdk.get_data() == json.loads(ORDER)
    assert sdk.get_time().isoformat() == "2026-01-31T12:00:00+00:00"
    assert ours.data == order
    assert ours.attributes["type"] == "order.placed"


def test_the_sdk_event_has_no_time_that_nobody_sent(caller: Make, event: Make) -> None:
    app, got = Receiver(), []

    @app.on("order.placed")
    async def handle(sdk: CloudEvent) -> None:
        got.append(sdk)

    caller(app).deliver(event("order.placed"))

    assert got[0].get_time() is None


@pytest.mark.parametrize(
    ("annotation", "kind", "data", "want"),
    [
        (bytes, "image/png", b"\xff", b"\xff"),
        (bytes, "image/png", None, b""),
        (bytes | None, "image/png", None, None),
        (str, "text/plain", "é".encode(), "é"),
        (str, "application/json", b'"\\u00e9"', "é"),
        (dict, "application/vnd.shop+json", b'{"a": 1}', {"a": 1}),
        (list[int], "application/json", b"[1, 2]", [1, 2]),
        (dict | None, "application/json", None, None),
        (Event[bytes | None], "image/png", b"\xff", b"\xff"),
        (Event, "image/png", None, None),
        (Event[str], "text/plain", b"a", "a"),
        (str, "application/json", b'"NaN"', "NaN"),
        (CloudEvent, "text/plain", b"a", "a"),
        (CloudEvent, "image/png", b"a", b"a"),
        (CloudEvent, "image/png", None, None),
    ],
)
def test_data_is_read_by_its_media_type(
    caller: Make, event: Make, annotation: Any, kind: str, data: bytes | None, want: object
) -> None:
    app, got = Receiver(), []

    async def handle(value: Any) -> None:
        got.append(value)

    handle.__annotations__["value"] = annotation
    app.on("t")(handle)

    assert caller(app).deliver(event("t", data, datacontenttype=kind)).status == 204
    (value,) = got
    value = value.get_data() if isinstance(value, CloudEvent) else value
    assert (value.data if isinstance(value, Event) else value) == want


@pytest.mark.parametrize(
    ("annotation", "kind", "data", "detail"),
    [
        (Order, "application/json", b'{"number": 1, "items": [{"sku": "pen"}]}', "data.items.0.price: Field required"),
        (Order, "application/json", b'{"number": "x"}', "data.number: Input should be a valid integer"),
        (Order, "application/json", b"{", "data: Invalid JSON"),
        (Order, "application/json", b"\xff", "data: Invalid JSON"),
        (Order, "application/json", b"[" * 100_000, "data: Invalid JSON"),
        (Order, "application/json", None, "data: is missing"),
        (Order, "text/plain", b"{}", "data: is text/plain, not JSON"),
        (Item, "application/json", b'{"sku": "pen", "price": NaN}', "data: is not JSON"),
        (str, "text/plain", b"\xff", "data: is not UTF-8"),
        (CloudEvent, "application/json", b"NaN", "data: is not JSON"),
    ],
)
def test_data_that_does_not_fit_is_refused_and_the_field_named(
    caller: Make, event: Make, annotation: Any, kind: str, data: bytes | None, detail: str
) -> None:
    app = Receiver()

    async def handle(value: Any) -> None:
        raise AssertionError(value)

    handle.__annotations__["value"] = annotation
    app.on("t")(handle)

    response = caller(app).deliver(event("t", data, datacontenttype=kind))

    assert response.status == 422
    assert response.detail.startswith(detail)
