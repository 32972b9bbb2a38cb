"""Every event comes back from a broker as it went, and no bytes break the way in."""

from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import strategies
from hypothesis import given

from patternapp import cloudevents, errors
from patternapp_services.bindings import amqp, kafka

EVENTS = strategies.events()
BYTES = st.binary(max_size=40)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_specversion", "ce_source", "ce_type", "content-type", "x"]) | st.text(), BYTES
    )
)
PLACES = st.builds(
    kafka.Place,
    group=st.just("g"),
    topic=st.just("t"),
    partition=st.integers(0, 1000),
    offset=st.integers(0, 2**63 - 1),
    timestamp=st.integers(-1, 4_102_444_800_000),
)


@given(EVENTS)
def test_an_event_comes_back_from_kafka_as_it_went(event: cloudevents.Event[bytes | None]) -> None:
    record = kafka.encode(event)

    assert kafka.decode(record.headers, record.value) == event


@given(EVENTS)
def test_an_event_comes_back_from_rabbitmq_as_it_went(event: cloudevents.Event[bytes | None]) -> None:
    assert amqp.decode(*amqp.encode(event)) == event


@given(headers=HEADERS, value=st.none() | BYTES, key=st.none() | BYTES, place=PLACES)
def test_whatever_a_record_holds_becomes_an_event_that_can_be_sent(
    headers: list[tuple[str, bytes]], value: bytes | None, key: bytes | None, place: kafka.Place
) -> None:
    event = None
    with contextlib.suppress(errors.CloudEventError):
        event = kafka.decode(headers, value)

    cloudevents.encode_batch([event or kafka.wrap(place, key=key, headers=headers, value=value)])
