"""Delivery for any outcome: nothing is tried for ever, no wait is negative, what a dead letter carries can be sent."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import strategies as st

from patternapp import batches, cloudevents, delivery
from patternapp.cloudevents import Event
from patternapp.delivery import Ack, DeadLetter, DeliverySpec, Outcome, Retry

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SPECS = st.builds(
    DeliverySpec,
    retry=st.integers(0, 100),
    backoff_policy=st.sampled_from(["linear", "exponential"]),
    backoff_delay=st.floats(0, 86_400),
)


@st.composite
def _outcomes(draw: st.DrawFn) -> Outcome:
    code = draw(st.none() | st.integers(100, 999))
    return Outcome(
        destination=draw(st.sampled_from(["http://127.0.0.1:1/", "https://partner.example.com/events"])),
        code=code,
        body=draw(st.binary(max_size=3000)),
        error=draw(st.text(max_size=50) if code is None else st.none() | st.text(max_size=50)),
        retry_after=draw(st.none() | st.floats(allow_nan=False)),
    )


OUTCOMES: SearchStrategy[Outcome] = _outcomes()
FAILURES: SearchStrategy[batches.Failure] = st.builds(
    batches.Failure,
    source=st.text(),
    id=st.text(),
    reason=st.text(max_size=1024),
    retry=st.booleans(),
    after=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    together=st.booleans(),
)


@hypothesis.given(OUTCOMES, SPECS)
def test_every_delivery_ends_after_at_most_one_attempt_more_than_its_retries(
    outcome: Outcome, spec: DeliverySpec
) -> None:
    attempt = 1
    while isinstance(delivery.decide(outcome, attempt=attempt, spec=spec), Retry):
        attempt += 1

    assert attempt <= spec.retry + 1


@hypothesis.given(OUTCOMES, SPECS, st.integers(1, 101))
def test_a_wait_is_never_shorter_than_the_backoff_nor_longer_than_backoff_and_cap(
    outcome: Outcome, spec: DeliverySpec, attempt: int
) -> None:
    decision = delivery.decide(outcome, attempt=attempt, spec=spec)

    if isinstance(decision, Retry):
        usual = delivery.backoff(spec, attempt - 1)
        assert 0 <= usual <= decision.after <= max(usual, delivery.RETRY_AFTER_CAP)


@hypothesis.given(OUTCOMES, SPECS)
def test_only_a_2xx_without_an_error_is_done(outcome: Outcome, spec: DeliverySpec) -> None:
    decision = delivery.decide(outcome, attempt=1, spec=spec)

    taken = outcome.code is not None and outcome.code // 100 == 2 and outcome.error is None
    assert isinstance(decision, Ack) == taken
    if isinstance(decision, DeadLetter):
        assert decision.reason


@hypothesis.given(OUTCOMES)
def test_the_attributes_of_a_dead_letter_survive_the_wire(outcome: Outcome) -> None:
    attributes = {"specversion": "1.0", "id": "1", "source": "/test", "type": "ping"}
    dead = cloudevents.with_attributes(Event(attributes, None), **delivery.error_attributes(outcome))

    headers, body = cloudevents.encode_binary(dead)
    read = cloudevents.decode([(name.encode(), value.encode()) for name, value in headers], body)

    assert read.attributes["knativeerrordest"] == outcome.destination
    assert 100 <= int(read.attributes["knativeerrorcode"]) <= 999
    said = base64.b64decode(str(read.attributes.get("knativeerrordata", "")))
    assert said == (outcome.body or (outcome.error or "").encode())[:1024]


@hypothesis.given(st.lists(FAILURES, max_size=5).map(tuple))
def test_an_answer_to_a_batch_is_read_as_it_was_written(failures: tuple[batches.Failure, ...]) -> None:
    assert batches.decode(batches.encode(failures)) == failures


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["failures", "id", "source"]), inner),
    max_leaves=12,
)


@hypothesis.given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused_and_never_breaks_the_reader(body: bytes) -> None:
    try:
        failures = batches.decode(body)
    except ValueError:
        return

    assert all(failure.after is None or isinstance(failure.after, float) for failure in failures)
