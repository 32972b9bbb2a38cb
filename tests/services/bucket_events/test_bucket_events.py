"""The role `bucket-events` as the image runs it: a store calls it, and it calls the Broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from components import process
from services.programs import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.functions import Function

PATH = "/source/new-upload"
JSON = {"content-type": "application/json"}
BUCKET = {"path": PATH, "name": "uploads", "events": ["created"], "suffix": ".png", "marker": "event-driven.new-upload"}


def record(key: str = "cat.png", **changes: Any) -> dict[str, Any]:
    """A record as Amazon documents it."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-11-23T08:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "uploads",
            "bucket": {"name": "uploads", "arn": "arn:aws:s3:::uploads"},
            "object": {"key": key, "size": 3, "eTag": "abc", "sequencer": "0055AED6DCD90281E5"},
        },
    } | changes


def body(*records: Any) -> bytes:
    return json.dumps({"Records": records}).encode()


@pytest.fixture
def service(broker: Function, tmp_path: Path) -> Iterator[Service]:
    env = {"K_SINK": broker.url}
    running = Service("bucket-events", {"buckets": [BUCKET]}, folder=tmp_path, env=env).start()
    yield running
    running.program.stop()


def events(broker: Function) -> list[dict[str, Any]]:
    return [event for call in broker.calls for event in call.events]


def test_a_record_becomes_the_event_that_dev_makes_of_a_file(service: Service, broker: Function) -> None:
    status, _, _ = service.post(PATH, body(record("a%20cat/%C3%BC+x.png")), JSON)

    (event,) = events(broker)
    assert status == 202
    assert event["type"] == "com.amazonaws.s3.ObjectCreated:Put"
    assert event["source"] == "aws:s3.eu-central-1.uploads"
    assert event["patternappsource"] == "event-driven.new-upload"
    assert event["subject"] == "a%20cat/%C3%BC%20x.png"  # percent-encoded as a header (HTTP binding 3.1.3.2)
    assert json.loads(event["data"]) == record("a%20cat/%C3%BC+x.png")


def test_minio_and_amazon_call_an_object_made_by_the_same_type(service: Service, broker: Function) -> None:
    service.post(PATH, body(record(eventName="s3:ObjectCreated:Put")), JSON)

    assert events(broker)[0]["type"] == "com.amazonaws.s3.ObjectCreated:Put"


def test_a_notification_that_comes_again_gives_the_same_ids_and_another_version_others(
    service: Service, broker: Function
) -> None:
    newer = record()
    newer["s3"]["object"]["sequencer"] = "0055AED6DCD90281E6"

    for notification in (body(record()), body(record()), body(newer)):
        service.post(PATH, notification, JSON)

    first, again, other = (event["id"] for event in events(broker))
    assert first == again
    assert other != first


@pytest.mark.parametrize(
    "unwanted",
    [
        record(eventName="ObjectRemoved:Delete"),
        record("notes.txt"),
        record(s3={"bucket": {"name": "other"}, "object": {"key": "cat.png"}}),
        record(eventName="ReducedRedundancyLostObject"),
    ],
    ids=["removed", "another suffix", "another bucket", "another kind"],
)
def test_what_the_entry_did_not_ask_for_is_acknowledged_and_gives_no_event(
    service: Service, broker: Function, unwanted: dict[str, Any]
) -> None:
    status, _, _ = service.post(PATH, body(unwanted, record()), JSON)

    assert status == 202
    assert [event["subject"] for event in events(broker)] == ["cat.png"]


def test_amazons_test_event_is_acknowledged(service: Service, broker: Function) -> None:
    status, _, _ = service.post(PATH, json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}).encode(), JSON)

    assert (status, broker.calls) == (202, [])


def test_a_notification_is_to_come_again_while_the_broker_is_away(service: Service, broker: Function) -> None:
    broker.stop()

    status, headers, _ = service.post(PATH, body(record()), JSON)
    broker.start()
    again, _, _ = service.post(PATH, body(record()), JSON)

    assert (status, headers["retry-after"], again) == (503, "1", 202)


def test_what_the_broker_refuses_for_good_is_refused_for_good(service: Service, broker: Function) -> None:
    broker.answer = lambda _: (413, b"too large")

    status, _, said = service.post(PATH, body(record()), JSON)

    assert status == 400
    assert b"413" in said


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"{", "not JSON"),
        (b"[]", "no list"),
        (b'{"Records": [{}]}', "Records[0] lacks"),
        (body(record("x" * 2 + "%00.png")), "Records[0]"),
    ],
    ids=["broken", "no records", "an empty record", "a control character in the key"],
)
def test_what_is_no_notification_is_refused_with_its_reason(
    service: Service, broker: Function, sent: bytes, why: str
) -> None:
    status, _, said = service.post(PATH, sent, JSON)

    assert status == 400
    assert why in json.loads(said)["detail"]
    assert broker.calls == []


def test_a_path_of_no_entry_is_not_found_and_a_get_not_allowed(service: Service) -> None:
    assert service.post("/source/other", b"", JSON)[0] == 404
    assert service.get(PATH)[0] == 405


def test_without_the_brokers_address_it_does_not_start_and_says_what_to_look_at(tmp_path: Path) -> None:
    service = Service("bucket-events", {"buckets": [BUCKET]}, folder=tmp_path, env={"K_SINK": ""})

    with pytest.raises(process.NotStartedError, match="SinkBinding"):
        service.start()
