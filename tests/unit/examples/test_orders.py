from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.examples import asgi_calls

from shop import orders, outbox

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("shop_data", "sink")

WANTED: dict[str, Any] = {"customer": "Zoë", "email": "zoe@example.com", "lines": [{"sku": "mug", "quantity": 2}]}


class Sink:
    """A Broker's ingress: keeps what it is sent, or fails as often as it is told to."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.failures = 0

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        status, body, more = 202, b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if self.failures:
            self.failures -= 1
            status = 503
        else:
            self.events.append(json.loads(body))
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def sink(serve: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch) -> Sink:
    sink = Sink()
    monkeypatch.setenv("K_SINK", serve(sink))
    return sink


async def place(changes: dict[str, Any] | None = None, *, key: str | None = None) -> asgi_calls.Answer:
    headers = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
    return await asgi_calls.request(
        orders.app, "POST", "/orders", json.dumps(WANTED | (changes or {})).encode(), headers
    )


async def pay(number: str, amount: int, reference: str = "p-1") -> asgi_calls.Answer:
    payment = {"order": number, "amount": amount, "reference": reference}
    return await asgi_calls.deliver(orders.app, asgi_calls.event("shop.payment.received", payment))


async def test_an_order_is_priced_from_the_catalogue_and_published_before_it_is_confirmed(sink: Sink) -> None:
    answer = await place({"priority": "express"})

    assert answer.status == 201
    assert answer.json["total"] == 2900
    assert [event["type"] for event in sink.events] == ["shop.order.placed", "shop.invoice.requested"]
    assert {event["data"]["id"] for event in sink.events} == {answer.json["id"]}
    assert {event["priority"] for event in sink.events} == {"express"}


async def test_an_order_that_was_placed_can_be_read() -> None:
    placed = (await place()).json

    answer = await asgi_calls.request(orders.app, "GET", f"/orders/{placed['id']}")

    assert answer.json == placed | {"paid": False}


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": [{"sku": "unicorn", "quantity": 1}]},
        {"lines": [{"sku": "mug", "quantity": 0}]},
        {"lines": []},
        {"email": "zoe@example.com\nBcc: all@example.com"},
        {"customer": "Zoë\r\nBcc: all@example.com"},
    ],
    ids=["not on sale", "no pieces", "no lines", "header in the address", "header in the name"],
)
async def test_a_wrong_order_is_refused_and_leaves_no_trace(sink: Sink, wrong: dict[str, Any]) -> None:
    answer = await place(wrong)

    assert answer.status == 422
    assert sink.events == []


async def test_an_order_the_broker_did_not_take_is_kept_and_goes_out_when_it_is_sent_again(sink: Sink) -> None:
    sink.failures = 1

    first = await place(key="k-1")
    second = await place(key="k-1")

    assert (first.status, second.status) == (503, 201)
    assert first.headers["retry-after"] == "1"
    assert [event["type"] for event in sink.events] == ["shop.order.placed", "shop.invoice.requested"]


async def test_the_same_idempotency_key_is_the_same_order_and_publishes_nothing_new(sink: Sink) -> None:
    first = await place(key="k-1")
    second = await place(key="k-1")

    assert first.json == second.json
    assert len(sink.events) == 2


async def test_events_that_others_left_behind_go_out_with_the_next_order(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink.failures = 1
    await place()
    monkeypatch.setattr(outbox, "LEFT_BEHIND", 0.0)

    await place()

    assert len({event["id"] for event in sink.events}) == 4


async def test_a_payment_marks_the_order_paid_and_the_same_again_answers_the_same() -> None:
    number = (await place()).json["id"]

    answers = [await pay(number, 2900), await pay(number, 2900)]

    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].headers["ce-type"] == "shop.order.paid"
    assert answers[0].body == answers[1].body
    assert answers[0].headers["ce-id"] == answers[1].headers["ce-id"]
    assert (await asgi_calls.request(orders.app, "GET", f"/orders/{number}")).json["paid"] is True


async def test_a_payment_of_the_wrong_amount_is_refused_for_good() -> None:
    number = (await place()).json["id"]

    answer = await pay(number, 1)

    assert answer.status == 422
    assert "costs 2900, but 1 was paid" in answer.json["detail"]


async def test_a_second_payment_of_a_paid_order_is_refused_for_good() -> None:
    number = (await place()).json["id"]
    await pay(number, 2900)

    answer = await pay(number, 2900, reference="p-2")

    assert answer.status == 422
    assert "paid already, by p-1" in answer.json["detail"]


async def test_a_payment_of_an_order_that_does_not_exist_is_refused_for_good() -> None:
    answer = await pay("nobody", 1)

    assert answer.status == 422
