"""How often and when a delivery is tried, row by row, against subscribers over HTTP.

The clock is set by hand, so every wait is exact and takes no time.

Sources: knative/specs ``specs/eventing/data-plane.md`` "Event Acknowledgement and Delivery Retry";
knative/eventing ``pkg/kncloudevents/retries.go``; cloudevents/spec ``http-webhook.md`` 2.2.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import loopback
import pytest
import runtime_parts

from patternapp.delivery import DeliverySpec
from patternapp.runtime.eventing.dispatcher import Dispatcher
from patternapp.runtime.store.records import Stage, State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from patternapp.plan import model
    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.store.records import Ledger, Settlement

Level = Literal["MUST", "MUST NOT", "SHOULD", "as the default Broker", "ours"]
DEADLINE = 20
EDGE = "event-driven/a"
SPEC = DeliverySpec(retry=3, backoff_policy="exponential", backoff_delay=2.0, timeout=10.0)
LINEAR = replace(SPEC, backoff_policy="linear")
PONG = {"ce-specversion": "1.0", "ce-id": "2", "ce-source": "/f", "ce-type": "pong"}
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Says:
    """One answer of a subscriber."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Subscriber:
    """Gives one answer after the other, the last one for ever, and keeps the headers of every request."""

    answers: tuple[Says, ...]
    requests: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append({name.decode(): value.decode() for name, value in scope["headers"]})
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


@dataclass
class Hurry(runtime_parts.Notebook):
    """Sets the clock to the time of the next attempt as soon as one is put off; keeps how long that would have been."""

    clock: runtime_parts.HandClock = field(default_factory=runtime_parts.HandClock)
    waits: list[float] = field(default_factory=list)

    def failed(self, edge: str, settlement: Settlement, *, now: float) -> None:
        super().failed(edge, settlement, now=now)
        if settlement.state is State.PENDING and settlement.stage is Stage.SUBSCRIBER:
            self.waits.append(settlement.due - now)
            self.clock.at = settlement.due


@contextlib.asynccontextmanager
async def delivering(trigger: model.Trigger, folder: Path, listener: Hurry) -> AsyncIterator[Engine]:
    """A Broker with this one trigger, which is being delivered."""
    plan = runtime_parts.plan_of(trigger)
    async with runtime_parts.engine_of(plan, folder=folder, clock=listener.clock, listener=listener) as engine:
        task = asyncio.create_task(Dispatcher(trigger, engine).run())
        try:
            yield engine
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def settled(engine: Engine) -> Ledger:
    """The ledger once nothing is pending."""
    while True:
        known = engine.settled.rings
        ledger = await engine.store.read(lambda reads: reads.ledger())
        if ledger.pending == 0:
            return ledger
        await asyncio.wait_for(engine.settled.wait(known), DEADLINE)


async def timeline(engine: Engine) -> dict[str, Any]:
    known = await engine.store.read(lambda reads: reads.event(1))
    assert known is not None
    return known


@dataclass(frozen=True)
class Row:
    level: Level
    sentence: str
    answers: tuple[Says, ...]
    waits: tuple[float, ...] = ()
    delivered: bool = False
    spec: DeliverySpec = SPEC

    @property
    def requests(self) -> int:
        return len(self.waits) + 1


OK, DOWN = Says(204), Says(503)
ROWS = [
    Row("MUST", "A 2xx acknowledges the event", (OK,), delivered=True),
    Row("MUST", "So does a 202, whose work is still to be done", (Says(202),), delivered=True),
    *(
        Row("SHOULD", f"A {code} is tried again", (Says(code), OK), waits=(2.0,), delivered=True)
        for code in (404, 408, 409, 429, 500, 502, 503, 504)
    ),
    *(
        Row("SHOULD", f"A {code} is not tried again", (Says(code), OK))
        for code in (400, 401, 403, 405, 410, 413, 415, 422)
    ),
    Row("MUST NOT", "A redirect is not followed and not tried again", (Says(307, {"location": "/x"}), OK)),
    Row("as the default Broker", "Waits double, beginning with the delay", (DOWN,), waits=(2.0, 4.0, 8.0)),
    Row("as the default Broker", "Linear waits grow from none at all", (DOWN,), waits=(0.0, 2.0, 4.0), spec=LINEAR),
    Row("MUST", "Attempts end with the last retry", (DOWN, DOWN, DOWN, DOWN, OK), waits=(2.0, 4.0, 8.0)),
    Row("MUST", "Without retries there is one attempt", (DOWN, OK), spec=replace(SPEC, retry=0)),
    Row(
        "SHOULD",
        "Retry-After of a 429 makes the wait longer",
        (Says(429, {"retry-after": "60"}), OK),
        waits=(60.0,),
        delivered=True,
    ),
    Row(
        "SHOULD",
        "Retry-After of a 503 never makes it shorter",
        (Says(503, {"retry-after": "0"}), OK),
        waits=(2.0,),
        delivered=True,
    ),
    Row(
        "ours",
        "Retry-After makes it ten minutes at most",
        (Says(503, {"retry-after": "86400"}), OK),
        waits=(600.0,),
        delivered=True,
    ),
    Row(
        "as the default Broker",
        "Retry-After of another code says nothing",
        (Says(500, {"retry-after": "60"}), OK),
        waits=(2.0,),
        delivered=True,
    ),
    Row(
        "as the default Broker",
        "A 2xx body that is no event is a failure, and tried again",
        (Says(200, JSON, b"null"), OK),
        waits=(2.0,),
        delivered=True,
    ),
    Row(
        "as the default Broker",
        "So is a reply that is malformed",
        (Says(200, {"content-type": "application/cloudevents+json"}, b"{}"), OK),
        waits=(2.0,),
        delivered=True,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.level}: {row.sentence}")
async def test_a_delivery_is_tried_as_often_and_as_late_as_the_row_says(row: Row, tmp_path: Path) -> None:
    subscriber, listener = Subscriber(row.answers), Hurry()

    async with loopback.served(subscriber) as url:
        trigger = replace(runtime_parts.trigger(EDGE, "ping", head=url), delivery=row.spec)
        async with delivering(trigger, tmp_path, listener) as engine:
            await engine.broker.publish(runtime_parts.event("ping"), origin="test")
            ledger = await settled(engine)

    assert len(subscriber.requests) == row.requests
    assert listener.waits == pytest.approx(row.waits)
    assert (ledger.delivered, ledger.dead_lettered) == ((1, 0) if row.delivered else (0, 1))


async def test_no_answer_at_all_is_tried_again(tmp_path: Path) -> None:
    listener = Hurry()

    async with loopback.answering(b"") as url:
        trigger = replace(runtime_parts.trigger(EDGE, "ping", head=url), delivery=SPEC)
        async with delivering(trigger, tmp_path, listener) as engine:
            await engine.broker.publish(runtime_parts.event("ping"), origin="test")
            await settled(engine)
            (delivery,) = (await timeline(engine))["deliveries"]

    assert [attempt["code"] for attempt in delivery["attempts"]] == [None] * 4
    assert listener.waits == pytest.approx((2.0, 4.0, 8.0))


@pytest.mark.parametrize(("status", "replies"), [(200, [2]), (202, [])])
async def test_a_reply_goes_back_to_the_broker_but_the_event_in_a_202_is_none(
    status: int, replies: list[int], tmp_path: Path
) -> None:
    async with loopback.served(Subscriber((Says(status, PONG),))) as url:
        trigger = runtime_parts.trigger(EDGE, "ping", head=url)
        async with delivering(trigger, tmp_path, Hurry()) as engine:
            await engine.broker.publish(runtime_parts.event("ping"), origin="test")
            await settled(engine)

            assert (await timeline(engine))["replies"] == replies


async def test_a_subscriber_is_asked_for_a_reply_and_told_the_number_of_the_event(tmp_path: Path) -> None:
    subscriber = Subscriber((OK,))

    async with (
        loopback.served(subscriber) as url,
        delivering(runtime_parts.trigger(EDGE, "ping", head=url), tmp_path, Hurry()) as engine,
    ):
        await engine.broker.publish(runtime_parts.event("ping", knativebrokerttl="9"), origin="test")
        await settled(engine)

    (headers,) = subscriber.requests
    assert (headers["prefer"], headers["patternapp-event"]) == ("reply", "1")
    assert headers["ce-type"] == "ping"
    assert "ce-knativebrokerttl" not in headers


async def test_the_dead_letter_sink_gets_the_event_with_the_failure_and_retries_of_its_own(tmp_path: Path) -> None:
    subscriber, sink = Subscriber((Says(422, {}, b"no such order"),)), Subscriber((DOWN, OK))

    async with loopback.served(subscriber) as url, loopback.served(sink) as sink_url:
        trigger = replace(
            runtime_parts.trigger(EDGE, "ping", head=url, dead_letter=sink_url),
            delivery=replace(SPEC, backoff_delay=0.0),
        )
        async with delivering(trigger, tmp_path, Hurry()) as engine:
            await engine.broker.publish(runtime_parts.event("ping"), origin="test")
            ledger = await settled(engine)
            (dead,) = await engine.store.read(lambda reads: reads.dead_letters())

    assert (len(subscriber.requests), len(sink.requests)) == (1, 2)
    told = sink.requests[-1]
    assert (told["ce-id"], told["ce-knativeerrordest"], told["ce-knativeerrorcode"]) == ("1", url, "422")
    assert base64.b64decode(told["ce-knativeerrordata"]) == b"no such order"
    assert (ledger.dead_lettered, dead["reason"]) == (1, "answered 422: no such order")


async def test_a_dead_letter_that_has_grown_too_long_to_be_sent_ends_as_one_that_says_so(tmp_path: Path) -> None:
    long = runtime_parts.event("ping", note="x" * 65_000)

    async with loopback.answering(b"HTTP/1.1 422 No\r\ncontent-length: 1000\r\n\r\n" + b"n" * 1000) as url:
        trigger = replace(
            runtime_parts.trigger(EDGE, "ping", head=url, dead_letter=url),
            delivery=replace(SPEC, backoff_delay=0.0),
        )
        async with delivering(trigger, tmp_path, Hurry()) as engine:
            await engine.broker.publish(long, origin="test")
            await settled(engine)
            (dead,) = await engine.store.read(lambda reads: reads.dead_letters())

    assert dead["reason"].startswith("answered 422: n")
    assert "; and the dead-letter sink: the event cannot be sent: attributes: are" in dead["reason"]
