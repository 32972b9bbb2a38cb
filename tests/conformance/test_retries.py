"""What deliveries of `dev` have beyond those of any Broker: a bound for Retry-After, numbers, and reasons."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

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

DEADLINE = 20
EDGE = "event-driven/a"
SPEC = DeliverySpec(retry=3, backoff_policy="exponential", backoff_delay=2.0, timeout=10.0)


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


OK, DOWN = Says(204), Says(503)


async def test_retry_after_makes_a_wait_ten_minutes_long_at_most(tmp_path: Path) -> None:
    subscriber, listener = Subscriber((Says(503, {"retry-after": "86400"}), OK)), Hurry()

    async with loopback.served(subscriber) as url:
        trigger = replace(runtime_parts.trigger(EDGE, "ping", head=url), delivery=SPEC)
        async with delivering(trigger, tmp_path, listener) as engine:
            await engine.broker.publish(runtime_parts.event("ping"), origin="test")
            await settled(engine)

    assert listener.waits == pytest.approx([600.0])


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


async def test_a_subscriber_is_told_the_number_of_the_event(tmp_path: Path) -> None:
    subscriber = Subscriber((OK,))

    async with (
        loopback.served(subscriber) as url,
        delivering(runtime_parts.trigger(EDGE, "ping", head=url), tmp_path, Hurry()) as engine,
    ):
        await engine.broker.publish(runtime_parts.event("ping"), origin="test")
        await settled(engine)

    (headers,) = subscriber.requests
    assert headers["patternapp-event"] == "1"


async def test_a_dead_letter_keeps_why_it_failed_whatever_its_sink_says(tmp_path: Path) -> None:
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
