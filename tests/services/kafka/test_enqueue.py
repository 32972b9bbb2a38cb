"""The service that appends events, on a real Kafka: what 202 means, and what is said when it cannot be meant."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from harness import eventually

if TYPE_CHECKING:
    from components.kafka import Broker
    from services.functions import Function
    from services.kafka.rig import Topic

HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/s",
    "ce-type": "t",
    "ce-partitionkey": "k",
    "content-type": "application/json",
}


def test_an_event_that_was_answered_202_is_in_the_topic_under_its_partition_key(topic: Topic) -> None:
    enqueue = topic.enqueue().start()

    status, _, _ = enqueue.post("/queue/test", b'{"n":1}', HEADERS)

    assert status == 202
    (record,) = topic.records()
    assert (record.key, record.value) == (b"k", b'{"n":1}')
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"1",
        "ce_source": b"/s",
        "ce_type": b"t",
        "ce_partitionkey": b"k",
        "content-type": b"application/json",
    }


def test_an_event_without_key_and_data_is_appended(topic: Topic) -> None:
    enqueue = topic.enqueue().start()
    bare = {name: value for name, value in HEADERS.items() if name not in {"ce-partitionkey", "content-type"}}

    assert enqueue.post("/queue/test", b"", bare)[0] == 202

    assert len(topic.records()) == 1


def test_an_event_passes_from_the_service_to_a_function(topic: Topic, function: Function) -> None:
    enqueue = topic.enqueue().start()
    topic.worker(function.url).start()

    assert enqueue.post("/queue/test", b'{"n":1.10}', HEADERS)[0] == 202

    eventually(lambda: function.calls)
    (event,) = function.calls[0].events
    assert event == {
        "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "partitionkey": "k",
        "datacontenttype": "application/json", "data": {"n": 1.1},
    }  # fmt: skip


def test_while_kafka_is_away_senders_are_told_to_come_again_and_then_taken(topic: Topic, kafka_broker: Broker) -> None:
    enqueue = topic.enqueue().start()
    assert enqueue.post("/queue/test", b"1", HEADERS)[0] == 202

    kafka_broker.stop()
    status, headers, said = enqueue.post("/queue/test", b"2", HEADERS)
    kafka_broker.start()

    assert (status, headers["retry-after"]) == (503, "1")
    assert topic.name.encode() in said
    eventually(lambda: enqueue.post("/queue/test", b"3", HEADERS)[0] == 202)
    assert {record.value for record in topic.records()} >= {b"1", b"3"}


def test_a_topic_that_is_not_there_is_named_and_holds_up_no_other(topic: Topic) -> None:
    enqueue = topic.enqueue(other="no-such-topic").start()

    status, _, said = enqueue.post("/queue/other", b"1", HEADERS)

    assert status == 503
    assert b"the topic no-such-topic cannot be found" in said
    assert enqueue.post("/queue/test", b"1", HEADERS)[0] == 202


def test_requests_in_flight_are_answered_when_the_service_is_told_to_end(topic: Topic) -> None:
    enqueue = topic.enqueue().start()
    answered: list[int] = []
    senders = [
        threading.Thread(target=lambda: answered.append(enqueue.post("/queue/test", b"1", HEADERS)[0]))
        for _ in range(8)
    ]
    topic.broker.pause()
    for sender in senders:
        sender.start()
    eventually(lambda: enqueue.metrics()["patternapp_enqueue_waiting"] == 8)

    ending = threading.Thread(target=enqueue.program.stop)
    ending.start()
    topic.broker.resume()

    for thread in (*senders, ending):
        thread.join()
    assert answered == [202] * 8
    assert len(topic.records()) == 8


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_topics_are_written_and_read_over_tls_with_a_password(topic: Topic, function: Function, mechanism: str) -> None:
    log = topic.login(mechanism)
    enqueue = topic.start_role("enqueue", {"logs": [{"path": "/queue/test", "kafka": log}]}).start()
    topic.worker(function.url, kafka=log | {"consumerGroup": topic.group, "startAt": "earliest"}).start()

    assert enqueue.post("/queue/test", b"1", HEADERS)[0] == 202

    eventually(lambda: function.ids == ["1"])


def test_a_wrong_password_is_said_and_its_mend_needs_no_restart(topic: Topic) -> None:
    log = topic.login("PLAIN", but={"password": "not this"})
    enqueue = topic.start_role("enqueue", {"logs": [{"path": "/queue/test", "kafka": log}]}).start()

    status, _, said = enqueue.post("/queue/test", b"1", HEADERS)
    assert status == 503
    assert b"password" in said
    topic.login("PLAIN")

    eventually(lambda: enqueue.post("/queue/test", b"1", HEADERS)[0] == 202)
