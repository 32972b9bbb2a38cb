"""The answer to a batch, taken apart into an outcome for every event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patternapp import delivery
from patternapp.cloudevents import Event
from patternapp.consume import verdicts
from patternapp.delivery import Ack, DeadLetter, DeliverySpec, Isolate, Outcome, Retry

SPEC = DeliverySpec(retry=3, backoff_delay=1.0)


def event(number: int, *, source: str = "/test") -> Event[bytes | None]:
    return Event({"specversion": "1.0", "id": str(number), "source": source, "type": "t"}, None)


EVENTS = (event(1), event(2), event(3))


def decided(
    code: int | None, body: bytes = b"", *, events: tuple[Event[bytes | None], ...] = EVENTS, **more: Any
) -> list[Any]:
    outcome = Outcome(destination="http://127.0.0.1:9/", code=code, body=body, **more)
    return [delivery.decide(one, attempt=1, spec=SPEC) for one in verdicts.split(outcome, events)]


def failures(*named: dict[str, Any]) -> bytes:
    return json.dumps({"failures": [{"source": "/test", **one} for one in named]}).encode()


@pytest.mark.parametrize(("code", "body"), [(204, b""), (200, b""), (200, failures())])
def test_a_batch_that_names_no_failure_is_done(code: int, body: bytes) -> None:
    assert decided(code, body) == [Ack(None)] * 3


def test_an_event_that_is_named_is_tried_again_and_the_others_are_done() -> None:
    assert decided(200, failures({"id": "2", "reason": "busy"})) == [
        Ack(None),
        Retry(1.0, "answered 503: busy"),
        Ack(None),
    ]


def test_an_event_that_is_named_as_hopeless_is_a_dead_letter() -> None:
    assert decided(200, failures({"id": "3", "retry": False}))[2] == DeadLetter("answered 422")


def test_the_reason_of_a_failure_is_what_the_timeline_and_the_dead_letter_keep() -> None:
    outcome = Outcome(destination="", code=200, body=failures({"id": "1", "reason": "no stock", "retry": False}))

    assert [one.body for one in verdicts.split(outcome, EVENTS)] == [b"no stock", b"", b""]


def test_an_event_can_be_asked_for_again_after_a_time_of_its_own() -> None:
    named = failures({"id": "1", "after": 30}, {"id": "2", "after": 0.5})

    assert decided(200, named)[:2] == [Retry(30.0, "answered 503"), Retry(1.0, "answered 503")]


def test_an_event_is_named_by_source_and_id_together() -> None:
    events = (event(1), event(1, source="/other"))

    assert decided(200, failures({"id": "1"}), events=events) == [Retry(1.0, "answered 503"), Ack(None)]


def test_a_failure_of_an_event_that_is_not_in_the_batch_changes_nothing() -> None:
    assert decided(200, failures({"id": "99"})) == [Ack(None)] * 3


@pytest.mark.parametrize("code", [500, 503, 429, None])
def test_a_batch_that_fails_as_a_whole_is_tried_again_as_a_whole(code: int | None) -> None:
    assert {type(one) for one in decided(code, error="refused" if code is None else None)} == {Retry}


def test_events_that_are_refused_as_a_whole_are_each_tried_alone() -> None:
    assert decided(422) == [Isolate("answered 422")] * 3


def test_events_on_which_the_function_failed_at_once_are_each_tried_alone_before_they_are_dead() -> None:
    named = failures({"id": "1", "retry": False, "together": True}, {"id": "3", "retry": False, "together": True})

    assert decided(200, named) == [Isolate("answered 422"), Ack(None), Isolate("answered 422")]


@pytest.mark.parametrize(("code", "body"), [(422, b""), (200, failures({"id": "1", "retry": False, "together": True}))])
def test_an_event_that_is_refused_in_a_batch_of_its_own_is_dead(code: int, body: bytes) -> None:
    assert decided(code, body, events=EVENTS[:1]) == [DeadLetter("answered 422")]


def test_an_answer_that_cannot_be_read_fails_the_whole_batch_and_says_why() -> None:
    reasons = {one.reason for one in decided(200, b"OK")}

    assert reasons == {"answered 200: the answer to a batch is not JSON: Expecting value: line 1 column 1 (char 0)"}
