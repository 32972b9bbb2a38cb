from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pydantic
import pytest

from patternapp.receiver import Event, Failures, Receiver, Reject, Retry

Make = Callable[..., Any]
Wire = Event[bytes | None]


class Item(pydantic.BaseModel):
    sku: str
    price: float


class Order(pydantic.BaseModel):
    number: int
    items: list[Item] = []


def test_a_batch_handler_gets_all_events_of_its_type(caller: Make, event: Make) -> None:
    app, got = Receiver(), []

    @app.on_batch("invoice")
    async def handle(orders: list[Event[Order]]) -> None:
        got.append([order.data.number for order in orders])

    batch = [event("invoice", b'{"number": %d}' % number, id=str(number)) for number in range(3)]

    assert caller(app).deliver_batch(*batch).status == 204
    assert got == [[0, 1, 2]]


def test_events_of_a_batch_fail_one_by_one(caller: Make, event: Make) -> None:
    app = Receiver()

    @app.on_batch("invoice")
    def handle(orders: list[Event[Order]]) -> Failures | None:
        rejected, retried, *_ = orders
        return Failures([(rejected, Reject("odd")), (retried, Retry("later", after=2.5))])

    bodies = [b'{"number": 0}', b"{}", b'{"number": 2}', b'{"number": 3}']
    response = caller(app).deliver_batch(*(event("invoice", body, id=str(n)) for n, body in enumerate(bodies)))

    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert response.failures == [
        {
            "source": "/test",
            "id": "1",
            "reason": "data.number: Field required",
            "retry": False,
            "after": None,
            "together": False,
        },
        {"source": "/test", "id": "0", "reason": "odd", "retry": False, "after": None, "together": False},
        {"source": "/test", "id": "2", "reason": "later", "retry": True, "after": 2.5, "together": False},
    ]


@pytest.mark.parametrize(
    ("error", "reason", "retry", "after"),
    [
        (Reject("no"), "no", False, None),
        (Retry("later", after=3), "later", True, 3.0),
        (LookupError("x" * 5_000), ("LookupError: " + "x" * 5_000)[:1024], True, None),
    ],
)
def test_what_a_batch_handler_raises_is_the_failure_of_every_event(
    caller: Make, event: Make, error: Exception, reason: str, *, retry: bool, after: float | None
) -> None:
    app = Receiver()

    @app.on_batch("invoice")
    async def handle(_: list[Event[bytes]]) -> None:
        raise error

    response = caller(app).deliver_batch(event("invoice", id="1"), event("invoice", id="2"))

    assert [(one["id"], one["reason"], one["retry"], one["after"]) for one in response.failures] == [
        ("1", reason, retry, after),
        ("2", reason, retry, after),
    ]


@pytest.mark.parametrize(("ids", "together"), [(("1",), [False]), (("1", "2"), [True, True])])
def test_a_failure_says_whether_another_event_may_be_its_cause(
    caller: Make, event: Make, ids: tuple[str, ...], together: list[bool]
) -> None:
    app = Receiver()

    @app.on_batch("invoice")
    async def handle(_: list[Event[bytes]]) -> None:
        raise Reject("no")

    response = caller(app).deliver_batch(*(event("invoice", id=id_) for id_ in ids))

    assert [one["together"] for one in response.failures] == together


def test_a_failure_that_a_batch_handler_names_is_that_events_own(caller: Make, event: Make) -> None:
    app = Receiver()

    @app.on_batch("invoice")
    async def handle(events: list[Event[bytes]]) -> Failures:
        return Failures([(events[1], Reject("no"))])

    response = caller(app).deliver_batch(event("invoice", id="1"), event("invoice", id="2"))

    assert [(one["id"], one["together"]) for one in response.failures] == [("2", False)]


def test_a_batch_for_a_handler_of_single_events_is_handled_one_by_one(caller: Make, event: Make) -> None:
    app, got = Receiver(), []

    @app.on("a")
    async def handle(event: Wire) -> None:
        got.append(event.attributes["id"])
        if event.attributes["id"] == "2":
            raise LookupError("gone")

    response = caller(app).deliver_batch(*(event("a", id=number) for number in "123"))

    assert got == ["1", "2", "3"]
    assert [(one["id"], one["reason"], one["retry"]) for one in response.failures] == [("2", "LookupError: gone", True)]


def test_a_batch_of_many_types_goes_to_many_handlers(caller: Make, event: Make) -> None:
    app, got = Receiver(), []
    app.on("a")(lambda: got.append("a"))

    @app.on_batch("b")
    def handle(events: list[Wire]) -> None:
        got.append(f"b{len(events)}")

    response = caller(app).deliver_batch(event("b"), event("a"), event("c", id="9"), event("b"))

    assert got == ["b2", "a"]
    assert [(one["id"], one["retry"]) for one in response.failures] == [("9", False)]


def test_a_reply_that_a_batch_cannot_carry_is_a_failure_and_not_lost(caller: Make, event: Make) -> None:
    app = Receiver()
    app.on("a", reply="b")(lambda: 1)

    (failure,) = caller(app).deliver_batch(event("a")).failures

    assert not failure["retry"]
    assert "reply" in failure["reason"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(None, 204), (Reject("no"), 422), (Retry("later"), 503), (LookupError("gone"), 500)],
)
def test_a_single_event_for_a_batch_handler_is_a_batch_of_one(
    caller: Make, event: Make, outcome: Exception | None, status: int
) -> None:
    app = Receiver()

    @app.on_batch("a")
    def handle(events: list[Wire]) -> Failures | None:
        if isinstance(outcome, Reject | Retry):
            return Failures([(events[0], outcome)])
        if outcome is not None:
            raise outcome
        return None

    assert caller(app).deliver(event("a")).status == status


def test_a_batch_handler_that_returns_something_else_fails_every_event(caller: Make, event: Make) -> None:
    app = Receiver()

    @app.on_batch("a")
    def handle(events: list[Wire]):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a return type would be refused
        return len(events)

    (failure,) = caller(app).deliver_batch(event("a")).failures

    assert failure["retry"]
    assert "returns Failures or None" in failure["reason"]


def test_an_empty_batch_is_done(caller: Make) -> None:
    assert caller(Receiver()).deliver_batch().status == 204
