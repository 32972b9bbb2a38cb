"""CloudEvents as Kafka records."""

from __future__ import annotations

import pytest

from patternapp import errors
from patternapp.cloudevents import Event
from patternapp_services.bindings import kafka

EVENT = Event(
    {
        "specversion": "1.0",
        "id": "ä 1",
        "source": "/s",
        "type": "t",
        "datacontenttype": "application/json",
        "partitionkey": "k",
        "retries": 3,
        "urgent": True,
    },
    b'{"n":1}',
)
PLACE = kafka.Place(group="g", topic="clicks", partition=2, offset=17, timestamp=1_700_000_000_123)


def test_an_event_is_a_record_in_binary_mode_whose_key_is_the_partition_key() -> None:
    assert kafka.encode(EVENT) == (
        b"k",
        b'{"n":1}',
        [
            ("ce_specversion", b"1.0"),
            ("ce_id", "ä 1".encode()),
            ("ce_source", b"/s"),
            ("ce_type", b"t"),
            ("content-type", b"application/json"),
            ("ce_partitionkey", b"k"),
            ("ce_retries", b"3"),
            ("ce_urgent", b"true"),
        ],
    )


def test_an_event_without_a_partition_key_has_no_key() -> None:
    assert kafka.encode(Event({"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}, None)).key is None


def test_a_record_in_structured_mode_is_the_event_it_holds() -> None:
    body = b'{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n":1.10}}'
    headers = [("content-type", b"application/cloudevents+json; charset=utf-8"), ("ce_id", b"another")]

    event = kafka.decode(headers, body)

    assert event is not None
    assert event.attributes["id"] == "1"
    assert event.data == b'{"n":1.10}'


def test_a_percent_sign_in_an_attribute_is_a_percent_sign() -> None:
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"%41"), ("ce_source", b"/s"), ("ce_type", b"t")]

    event = kafka.decode(headers, None)

    assert event is not None
    assert event.attributes["id"] == "%41"


@pytest.mark.parametrize("headers", [[], [("content-type", b"text/csv")], [("ce_id", b"1"), ("trace", b"\xff")]])
def test_a_record_that_does_not_say_that_it_is_an_event_is_none(headers: list[tuple[str, bytes]]) -> None:
    assert kafka.decode(headers, b"x") is None


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_type", b"t")], "source: is missing"),
        (
            [("ce_specversion", b"0.3"), ("ce_id", b"1"), ("ce_source", b"/"), ("ce_type", b"t")],
            "specversion: is not 1.0",
        ),
        ([("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_id", b"2")], "'id': is there twice"),
        ([("ce_specversion", b"1.0"), ("ce_id", None)], "'id': is empty"),
        ([("ce_specversion", b"1.0"), ("ce_id", b"\xff")], "'ce_id': is not UTF-8"),
        ([("ce_specversion", b"1.0"), ("ce_datacontenttype", b"text/csv")], "datacontenttype: is a ce_ header"),
        ([("content-type", b"a/b"), ("content-type", b"a/b")], "content-type: is there twice"),
        ([("content-type", b"application/cloudevents+json")], "body: is not JSON"),
        ([("content-type", b"application/cloudevents-batch+json")], "content-type: is a batch"),
    ],
)
def test_a_record_that_lies_about_being_an_event_is_refused(
    headers: list[tuple[str, bytes | None]], reason: str
) -> None:
    with pytest.raises(errors.CloudEventError) as refused:
        kafka.decode(headers, b"x")

    assert str(refused.value).startswith(reason)


def test_any_other_record_is_wrapped_as_a_kafka_source_does() -> None:
    event = kafka.wrap(
        PLACE, key=b"sensor", headers=[("Unit-Name", b"mm"), ("content-type", b"text/csv")], value=b"42,7"
    )

    assert event == Event(
        {
            "specversion": "1.0",
            "id": "partition:2/offset:17",
            "source": "/kafka/g#clicks",
            "type": "dev.knative.kafka.event",
            "subject": "partition:2#17",
            "time": "2023-11-14T22:13:20.123Z",
            "partitionkey": "sensor",
            "key": "sensor",
            "kafkaheaderunitname": "mm",
            "datacontenttype": "text/csv",
        },
        b"42,7",
    )


def test_what_cannot_be_an_attribute_costs_no_record() -> None:
    headers = [("content-type", b"not a type"), ("", b"x"), ("bin", b"\xff\x00"), ("line", b"a\nb")]

    event = kafka.wrap(PLACE, key=b"\xff", headers=headers, value=None)

    assert event.attributes["key"] == "/w=="
    assert event.attributes["kafkaheaderbin"] == "/wA="
    assert event.attributes["kafkaheaderline"] == "YQpi"
    assert "datacontenttype" not in event.attributes
    assert event.data is None


def test_a_record_without_a_timestamp_is_an_event_without_a_time() -> None:
    event = kafka.wrap(PLACE._replace(timestamp=-1), key=None, headers=[], value=b"x")

    assert "time" not in event.attributes
