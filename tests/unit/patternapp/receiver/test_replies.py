from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pydantic
import pytest
from cloudevents.core.v1.event import CloudEvent

from patternapp.receiver import Event, Receiver

Make = Callable[..., Any]
Wire = Event[bytes | None]


class Item(pydantic.BaseModel):
    sku: str
    price: float


class Order(pydantic.BaseModel):
    number: int
    items: list[Item] = []


class MailSent(pydantic.BaseModel):
    to: str


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ORDER = b'{"number": 7, "items": [{"sku": "pen", "price": 1.5}]}'


def test_a_model_becomes_the_reply_event(caller: Make, event: Make) -> None:
    app = Receiver(source="/functions/mail")

    @app.on("order.placed", reply="mail.sent")
    async def send_mail(order: Order) -> MailSent | None:
        return MailSent(to=str(order.number))

    sent = event("order.placed", ORDER, traceparent=TRACE, tracestate="x=y")
    first, second = caller(app).deliver(sent), caller(app).deliver(sent)
    other = caller(app).deliver(event("order.placed", ORDER, id="2"))

    assert (first.status, first.body) == (200, b'{"to":"7"}')
    assert first.headers["ce-type"] == "mail.sent"
    assert first.headers["ce-source"] == "/functions/mail"
    assert first.headers["content-type"] == "application/json"
    assert (first.headers["ce-traceparent"], first.headers["ce-tracestate"]) == (TRACE, "x=y")
    assert first.headers["ce-id"] == second.headers["ce-id"] != other.headers["ce-id"]


def test_the_source_of_replies_is_the_knative_service(
    caller: Make, event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K_SERVICE", "orders")
    app = Receiver()

    @app.on("a", reply="b")
    def handle() -> dict[str, int]:
        return {"x": 1}

    assert caller(app).deliver(event("a")).headers["ce-source"] == "/functions/orders"


@pytest.mark.parametrize("data", [b'{"x":1}', {"x": 1}])
def test_an_event_is_the_reply_as_it_is(caller: Make, event: Make, data: Any) -> None:
    app = Receiver()

    @app.on("a")
    def handle(_: Wire) -> Wire:
        return Event({"id": "r", "source": "/x", "type": "b", "specversion": "1.0", "ext": 1}, data)

    response = caller(app).deliver(event("a"))

    assert (response.status, response.body) == (200, b'{"x":1}')
    assert (response.headers["ce-id"], response.headers["ce-ext"]) == ("r", "1")


def test_an_sdk_event_is_the_reply_as_it_is(caller: Make, event: Make) -> None:
    app = Receiver()

    @app.on("a")
    def handle() -> CloudEvent:
        return CloudEvent({"id": "r", "source": "/x", "type": "b", "datacontenttype": "application/json"}, {"x": 1})

    response = caller(app).deliver(event("a"))

    assert (response.status, response.body) == (200, b'{"x":1}')
    assert response.headers["ce-time"].endswith("Z")


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (MailSent(to="x"), "the type of the reply event is not said"),
        (Event({"id": "r"}, None), "source: is missing"),
        (Event({"id": "r", "source": "s", "specversion": "1.0", "type": "t"}, object()), "has no JSON"),
    ],
)
def test_a_value_that_cannot_be_the_reply_is_a_failure(caller: Make, event: Make, value: Any, detail: str) -> None:
    app = Receiver()

    @app.on("a")
    def handle() -> Any:
        return value

    response = caller(app).deliver(event("a"))

    assert response.status == 500
    assert detail in response.detail
