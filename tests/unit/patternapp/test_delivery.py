"""The rules of delivery, case by case: which answer is done, tried again, or never."""

from __future__ import annotations

import base64

import pytest

from patternapp import delivery
from patternapp.cloudevents import Event
from patternapp.delivery import Ack, DeadLetter, DeliverySpec, Outcome, Retry

SPEC = DeliverySpec(retry=3, backoff_policy="exponential", backoff_delay=2.0)
URL = "http://127.0.0.1:8080/"
REPLY: Event[bytes | None] = Event({"specversion": "1.0", "id": "2", "source": "/f", "type": "pong"}, None)


def after(code: int | None, *, attempt: int = 1, spec: DeliverySpec = SPEC) -> delivery.Decision:
    error = "no answer: refused" if code is None else None
    return delivery.decide(Outcome(destination=URL, code=code, error=error), attempt=attempt, spec=spec)


def test_every_2xx_is_done() -> None:
    codes = range(200, 300)

    assert {code: after(code) for code in codes} == {code: Ack(None) for code in codes}


def test_an_informational_answer_or_a_redirect_is_a_dead_letter_at_once() -> None:
    codes = [*range(100, 200), *range(300, 400)]

    assert {code: after(code) for code in codes} == {code: DeadLetter(f"answered {code}") for code in codes}


def test_a_4xx_that_is_not_worth_repeating_is_a_dead_letter_at_once() -> None:
    codes = set(range(400, 500)) - {404, 408, 409, 429}

    assert {code: after(code) for code in codes} == {code: DeadLetter(f"answered {code}") for code in codes}


def test_four_4xx_and_everything_from_500_on_is_tried_again() -> None:
    codes = [404, 408, 409, 429, *range(500, 1000)]

    assert {code: after(code) for code in codes} == {code: Retry(2.0, f"answered {code}") for code in codes}


def test_no_answer_at_all_is_tried_again() -> None:
    assert after(None) == Retry(2.0, "no answer: refused")


def test_the_event_in_a_2xx_answer_is_the_reply() -> None:
    outcome = Outcome(destination=URL, code=200, reply=REPLY)

    assert delivery.decide(outcome, attempt=1, spec=SPEC) == Ack(REPLY)


def test_a_2xx_answer_that_is_not_acceptable_is_tried_again_as_a_502() -> None:
    outcome = Outcome(destination=URL, code=200, error="the body is not a CloudEvent")

    assert delivery.decide(outcome, attempt=1, spec=SPEC) == Retry(2.0, "answered 200: the body is not a CloudEvent")


def test_waits_double_from_the_first_retry_on_where_they_are_exponential() -> None:
    waits = [delivery.backoff(DeliverySpec(backoff_delay=0.2), retry) for retry in range(5)]

    assert waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2])


def test_waits_grow_by_the_delay_from_none_at_all_where_they_are_linear() -> None:
    waits = [delivery.backoff(DeliverySpec(backoff_policy="linear", backoff_delay=0.5), retry) for retry in range(4)]

    assert waits == [0.0, 0.5, 1.0, 1.5]


def test_the_wait_after_the_first_attempt_is_that_of_retry_zero() -> None:
    decisions = [after(503, attempt=attempt) for attempt in (1, 2, 3)]

    assert decisions == [Retry(wait, "answered 503") for wait in (2.0, 4.0, 8.0)]


def test_the_attempt_after_the_last_retry_ends_as_a_dead_letter_that_counts_them() -> None:
    assert after(503, attempt=4) == DeadLetter("answered 503; gave up after 4 attempts")


def test_without_retries_the_first_failure_is_the_end() -> None:
    assert after(500, spec=DeliverySpec(retry=0)) == DeadLetter("answered 500; gave up after 1 attempts")


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(1.0, 2.0), (30.0, 30.0), (600.0, 600.0), (86_400.0, 600.0), (float("inf"), 600.0), (-5.0, 2.0)],
)
def test_retry_after_can_make_the_wait_longer_up_to_a_cap_but_never_shorter(asked: float, wait: float) -> None:
    outcome = Outcome(destination=URL, code=503, retry_after=asked)

    assert delivery.decide(outcome, attempt=1, spec=SPEC) == Retry(wait, "answered 503")


def test_retry_after_gives_no_attempt_beyond_the_last() -> None:
    outcome = Outcome(destination=URL, code=429, retry_after=1.0)

    assert isinstance(delivery.decide(outcome, attempt=4, spec=SPEC), DeadLetter)


def test_a_dead_letter_says_where_with_which_code_and_what_the_answer_said() -> None:
    outcome = Outcome(destination=URL, code=422, body=b"no such order")

    assert delivery.error_attributes(outcome) == {
        "knativeerrordest": URL,
        "knativeerrorcode": 422,
        "knativeerrordata": base64.b64encode(b"no such order").decode(),
    }


def test_a_dead_letter_keeps_the_first_1024_raw_bytes_of_the_answer() -> None:
    body = bytes(range(256)) * 8

    data = delivery.error_attributes(Outcome(destination=URL, code=500, body=body))["knativeerrordata"]

    assert base64.b64decode(str(data)) == body[:1024]


def test_a_dead_letter_of_what_nobody_answered_has_the_code_500_and_the_error_as_data() -> None:
    attributes = delivery.error_attributes(Outcome(destination=URL, error="no answer within 1 s"))

    assert attributes["knativeerrorcode"] == 500
    assert base64.b64decode(str(attributes["knativeerrordata"])) == b"no answer within 1 s"


def test_a_dead_letter_of_a_2xx_that_was_not_acceptable_has_the_code_502() -> None:
    attributes = delivery.error_attributes(Outcome(destination=URL, code=200, body=b"{}", error="not a CloudEvent"))

    assert attributes["knativeerrorcode"] == 502


def test_a_dead_letter_of_an_empty_answer_has_no_data() -> None:
    assert "knativeerrordata" not in delivery.error_attributes(Outcome(destination=URL, code=400))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no such order", "answered 422: no such order"),
        (b"first line\nsecond", "answered 422: first line"),
        (b'{"title": "Unprocessable", "detail": "no such order"}', "answered 422: no such order"),
        (b'{"error": 1}', 'answered 422: {"error": 1}'),
        (b"\x1b[31mred\x07", "answered 422: [31mred"),
        (b"[" * 100_000, "answered 422: " + "[" * delivery.SAID_LIMIT),
        (b"", "answered 422"),
    ],
)
def test_a_reason_quotes_what_the_answer_says_to_people(body: bytes, said: str) -> None:
    outcome = delivery.Outcome(destination="http://127.0.0.1:9/", code=422, body=body)

    assert delivery.describe(outcome) == said
