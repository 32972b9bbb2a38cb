"""What becomes of a delivery after an attempt: at its subscriber, and at its dead-letter sink."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import runtime_parts
from runtime_parts import event

from patternapp import delivery
from patternapp.consume.log import Settled
from patternapp.delivery import DeliverySpec, Outcome
from patternapp.runtime.bells import Bells
from patternapp.runtime.eventing import verdicts
from patternapp.runtime.eventing.broker import Broker
from patternapp.runtime.store.records import Lease, Stage, State

if TYPE_CHECKING:
    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import Settlement

NOW = 1_000.0
SINK = "http://127.0.0.1:9/undertaker"
SPEC = DeliverySpec(retry=2, backoff_delay=4.0)


def lease(*, attempts: int = 0, stage: Stage = Stage.SUBSCRIBER, ttl: int = 255, reason: str = "") -> Lease:
    return Lease(
        delivery=3,
        token=8,
        seq=5,
        event=event(),
        attempts=attempts,
        stage=stage,
        partition=0,
        ttl=ttl,
        reason=reason,
        accepted_at=NOW - 1,
    )


def outcome(code: int | None = 204, **more: Any) -> Outcome:
    return Outcome(destination="http://127.0.0.1:9/", code=code, **{"seconds": 0.5, **more})


@pytest.fixture
def broker(store: Store, clock: runtime_parts.HandClock) -> Broker:
    plan = runtime_parts.plan_of(runtime_parts.trigger("event-driven/c", "pong"))
    return Broker(plan, store=store, bells=Bells(), clock=clock)


def settled(broker: Broker, held: Lease, came: Outcome, *, dead_letter: str | None = None) -> Settlement:
    decision = delivery.decide(came, attempt=held.attempts + 1, spec=SPEC)
    return verdicts.settlement(Settled(held, came, decision), dead_letter=dead_letter, broker=broker, now=NOW)


async def test_what_was_taken_is_delivered(broker: Broker) -> None:
    settlement = settled(broker, lease(), outcome())

    assert (settlement.delivery, settlement.token) == (3, 8)
    assert (settlement.state, settlement.reason, settlement.reply) == (State.DELIVERED, "", None)


async def test_what_was_taken_after_failures_leaves_no_reason(broker: Broker) -> None:
    assert settled(broker, lease(attempts=1, reason="answered 500"), outcome()).reason == ""


async def test_a_reply_is_accepted_with_the_delivery_it_answers(broker: Broker) -> None:
    reply = settled(broker, lease(ttl=9), outcome(200, reply=event("pong"))).reply

    assert reply is not None
    assert (reply.cause, reply.ttl, reply.origin) == (5, 8, "reply/5")
    assert [target.edge for target in reply.targets] == ["event-driven/c"]


async def test_a_failure_is_due_again_after_its_wait_at_the_same_stage(broker: Broker) -> None:
    settlement = settled(broker, lease(attempts=1), outcome(500))

    assert (settlement.state, settlement.stage) == (State.PENDING, Stage.SUBSCRIBER)
    assert (settlement.due, settlement.reason) == (NOW + 8.0, "answered 500")


async def test_a_refusal_without_a_sink_is_a_dead_letter(broker: Broker) -> None:
    settlement = settled(broker, lease(), outcome(422))

    assert (settlement.state, settlement.reason, settlement.failure) == (State.DEAD_LETTERED, "answered 422", None)


async def test_attempts_that_are_used_up_without_a_sink_are_a_dead_letter(broker: Broker) -> None:
    settlement = settled(broker, lease(attempts=2), outcome(500))

    assert settlement.state is State.DEAD_LETTERED
    assert settlement.reason == "answered 500; gave up after 3 attempts"


async def test_a_refusal_with_a_sink_is_pending_for_it_at_once_and_carries_the_failure(broker: Broker) -> None:
    settlement = settled(broker, lease(), outcome(422, body=b"no"), dead_letter=SINK)

    assert (settlement.state, settlement.stage, settlement.due) == (State.PENDING, Stage.DEAD_LETTER_SINK, NOW)
    assert settlement.reason == "answered 422: no"
    assert settlement.failure == {
        "knativeerrordest": "http://127.0.0.1:9/",
        "knativeerrorcode": 422,
        "knativeerrordata": base64.b64encode(b"no").decode(),
    }


async def test_a_reply_that_went_round_too_often_is_a_dead_letter_of_the_delivery_it_answers(broker: Broker) -> None:
    settlement = settled(broker, lease(ttl=1), outcome(200, reply=event("pong")))

    assert (settlement.state, settlement.reply) == (State.DEAD_LETTERED, None)
    assert settlement.reason.startswith("its reply was refused: knativebrokerttl is used up")


async def test_a_reply_that_went_round_too_often_goes_to_the_sink_where_there_is_one(broker: Broker) -> None:
    settlement = settled(broker, lease(ttl=1), outcome(200, reply=event("pong")), dead_letter=SINK)

    assert (settlement.state, settlement.stage) == (State.PENDING, Stage.DEAD_LETTER_SINK)


async def test_what_the_sink_took_is_a_dead_letter_with_the_reason_of_the_failure(broker: Broker) -> None:
    held = lease(stage=Stage.DEAD_LETTER_SINK, reason="answered 422")

    settlement = settled(broker, held, outcome(202), dead_letter=SINK)

    assert (settlement.state, settlement.stage) == (State.DEAD_LETTERED, Stage.DEAD_LETTER_SINK)
    assert settlement.reason == "answered 422"


async def test_the_reply_of_a_sink_is_dropped(broker: Broker) -> None:
    held = lease(stage=Stage.DEAD_LETTER_SINK, reason="answered 422")

    assert settled(broker, held, outcome(200, reply=event("pong")), dead_letter=SINK).reply is None


async def test_a_sink_that_fails_is_tried_again_and_the_first_reason_stays(broker: Broker) -> None:
    held = lease(stage=Stage.DEAD_LETTER_SINK, reason="answered 422")

    settlement = settled(broker, held, outcome(503), dead_letter=SINK)

    assert (settlement.state, settlement.stage) == (State.PENDING, Stage.DEAD_LETTER_SINK)
    assert (settlement.due, settlement.reason) == (NOW + 4.0, "answered 422")


async def test_a_sink_that_refuses_ends_the_delivery_and_both_reasons_are_told(broker: Broker) -> None:
    held = lease(stage=Stage.DEAD_LETTER_SINK, reason="answered 422")

    settlement = settled(broker, held, outcome(410), dead_letter=SINK)

    assert settlement.state is State.DEAD_LETTERED
    assert settlement.reason == "answered 422; and the dead-letter sink: answered 410"


async def test_the_attempt_is_kept_with_its_beginning_and_the_first_4096_bytes_of_its_body(broker: Broker) -> None:
    attempt = settled(broker, lease(), outcome(500, body=b"x" * 5000)).attempt

    assert (attempt.started_at, attempt.seconds, attempt.code) == (NOW - 0.5, 0.5, 500)
    assert attempt.body == b"x" * 4096
