"""A worker beside a function, on a real Kafka: what reaches the function, and what is committed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from harness import eventually
from services.kafka import rig

if TYPE_CHECKING:
    from pathlib import Path

    from components.kafka import Broker
    from services.functions import Answer, Events, Function
    from services.kafka.rig import Topic


def test_all_records_reach_the_function_in_batches_and_are_committed(topic: Topic, function: Function) -> None:
    wanted = topic.write(200)

    worker = topic.worker(function.url).start()

    function.has(wanted)
    eventually(lambda: topic.lag() == 0)
    assert max(len(call.events) for call in function.calls) == 20
    assert worker.ledger() == {"received": 200, "delivered": 200, "dead_lettered": 0, "returned": 0, "pending": 0}


def test_a_batch_that_is_not_full_goes_after_its_wait(topic: Topic, function: Function) -> None:
    topic.worker(function.url, batch={"max": 500, "waitSeconds": 0.2}).start()

    function.has(topic.write(3))

    eventually(lambda: topic.lag() == 0)


def test_an_event_arrives_as_it_was_written(topic: Topic, function: Function) -> None:
    topic.append(b'{"n": 1.10}', key=b"k", headers=[
        ("ce_specversion", b"1.0"), ("ce_id", "ä%41".encode()), ("ce_source", b"/s"), ("ce_type", b"t"),
        ("content-type", b"application/json"),
    ])  # fmt: skip

    topic.worker(function.url).start()

    eventually(lambda: function.calls)
    (event,) = function.calls[0].events
    assert event == {
        "specversion": "1.0", "id": "ä%41", "source": "/s", "type": "t",
        "datacontenttype": "application/json", "data": {"n": 1.10},
    }  # fmt: skip


def test_a_record_that_is_no_event_becomes_one_as_a_kafka_source_makes_it(topic: Topic, function: Function) -> None:
    topic.append(b"42,7", key=b"sensor-1", headers=[("Unit", b"mm"), ("content-type", b"text/csv")])

    topic.worker(function.url).start()

    eventually(lambda: function.calls)
    (event,) = function.calls[0].events
    assert event.pop("time").endswith("Z")
    assert event == {
        "specversion": "1.0",
        "id": "partition:0/offset:0",
        "source": f"/kafka/{topic.group}#{topic.name}",
        "type": "dev.knative.kafka.event",
        "subject": "partition:0#0",
        "partitionkey": "sensor-1",
        "key": "sensor-1",
        "kafkaheaderunit": "mm",
        "datacontenttype": "text/csv",
        "data": "42,7",
    }


def test_a_record_that_lies_about_being_an_event_is_a_dead_letter_that_no_handler_sees(
    topic: Topic, function: Function, sink: Function
) -> None:
    topic.append(b"x", headers=[("ce_specversion", b"1.0"), ("ce_id", b"1")])
    wanted = topic.write(1)

    worker = topic.worker(function.url, deadLetter={"uri": sink.url}).start()

    function.has(wanted)
    eventually(lambda: sink.calls)
    (letter,) = sink.calls[0].events
    assert letter["id"] == "partition:0/offset:0"
    assert letter["knativeerrorcode"] == "400"
    assert base64.b64decode(letter["knativeerrordata"]) == b"source: is missing"
    assert function.ids == ["0"]
    eventually(lambda: topic.committed().get(0) == 2)
    assert worker.ledger()["dead_lettered"] == 1


def test_an_event_that_the_function_names_as_failed_is_tried_again_and_others_are_not(
    topic: Topic, function: Function
) -> None:
    def answer(events: Events) -> Answer:
        named = [{"source": "/test", "id": "7", "reason": "not yet"} for event in events if event["id"] == "7"]
        return (200, json.dumps({"failures": named}).encode()) if function.counted()["7"] == 1 else (204, b"")

    function.answer = answer
    wanted = topic.write(20)

    topic.worker(function.url).start()

    eventually(lambda: topic.lag() == 0)
    assert function.counted() == dict.fromkeys(wanted, 1) | {"7": 2}


def test_an_event_whose_attempts_are_used_up_is_a_dead_letter_and_its_neighbors_are_done(
    topic: Topic, function: Function, sink: Function
) -> None:
    function.answer = lambda events: (500, b"no sevens") if any(one["id"] == "7" for one in events) else (204, b"")
    topic.write(20)

    worker = topic.worker(function.url, deadLetter={"uri": sink.url}).start()

    eventually(lambda: topic.lag() == 0)
    assert sink.ids == ["7"]
    assert sink.calls[0].events[0]["knativeerrorcode"] == "500"
    assert worker.ledger() == {"received": 20, "delivered": 19, "dead_lettered": 1, "returned": 0, "pending": 0}


def test_a_dead_letter_can_go_to_a_topic(
    topic: Topic, function: Function, kafka_broker: Broker, tmp_path: Path
) -> None:
    function.answer = lambda _: (422, b"never")
    topic.write(1)

    with rig.topic(kafka_broker, folder=tmp_path / "letters", partitions=1) as letters:
        worker = topic.worker(function.url, deadLetter={"topic": letters.name}).start()
        eventually(lambda: worker.ledger()["dead_lettered"] == 1)
        (letter,) = letters.records()

    headers = dict(letter.headers)
    assert (headers["ce_id"], headers["ce_knativeerrorcode"], letter.value) == (b"0", b"422", b"0")
    assert base64.b64decode(headers["ce_knativeerrordata"]) == b"never"


def test_while_an_event_waits_for_its_retry_others_go_on_where_there_is_no_order(
    topic: Topic, function: Function
) -> None:
    function.answer = lambda events: (
        (429, b"") if events[0]["id"] == "0" and function.counted()["0"] == 1 else (204, b"")
    )
    delivery = {"retry": 2, "backoffPolicy": "linear", "backoffDelaySeconds": 0.0, "timeoutSeconds": 30.0}
    delivery["backoffPolicy"], delivery["backoffDelaySeconds"] = "exponential", 3.0
    topic.worker(function.url, batch={"max": 1, "waitSeconds": 0.0}, delivery=delivery).start()
    topic.write(1)
    eventually(lambda: function.calls)

    others = topic.write(40)

    function.has(others)
    assert function.counted()["0"] == 1
    function.has({"0"})
    eventually(lambda: topic.lag() == 0)
    assert function.ids[-1] == "0"


def test_in_order_a_partition_waits_for_its_failing_event_and_others_do_not(topic: Topic, function: Function) -> None:
    function.answer = lambda events: (
        (503, b"") if events[0]["id"] == "0" and function.counted()["0"] < 3 else (204, b"")
    )
    wanted = topic.write(40)

    topic.worker(function.url, ordered=True, batch={"max": 1, "waitSeconds": 0.0}).start()

    function.has(wanted)
    eventually(lambda: topic.lag() == 0)
    seen: dict[int, list[int]] = {}
    for number in map(int, function.ids):
        seen.setdefault(number % topic.partitions, []).append(number)
    assert seen[0] == [0, 0, *range(0, 40, 4)]
    assert [seen[partition] for partition in (1, 2, 3)] == [list(range(partition, 40, 4)) for partition in (1, 2, 3)]


def test_a_worker_that_is_told_to_end_finishes_its_batch_and_leaves_the_group_at_once(
    topic: Topic, function: Function
) -> None:
    topic.write(8)
    first = topic.worker(function.url, sessionSeconds=30.0, batch={"max": 1, "waitSeconds": 0.0}).start()
    eventually(lambda: topic.lag() == 0)
    second = topic.worker(function.url, sessionSeconds=30.0)

    first.program.stop()
    second.start()

    # The session of the first would last for 30 s; its partitions are the other's long before.
    function.has(topic.write(8), within=20)
    eventually(lambda: topic.lag() == 0)
    assert set(function.counted().values()) == {1}


def test_partitions_that_are_added_later_are_read_too(kafka_broker: Broker, function: Function, tmp_path: Path) -> None:
    with rig.topic(kafka_broker, folder=tmp_path, partitions=1) as topic:
        topic.worker(function.url).start()
        eventually(lambda: topic.committed() == {0: 0})

        topic.widen(4)

        function.has(topic.write(8))
        eventually(lambda: topic.lag() == 0)


def test_a_new_group_commits_where_it_stands_before_anything_came(topic: Topic, function: Function) -> None:
    topic.write(8)

    topic.worker(function.url, kafka={
        "bootstrapServers": [topic.broker.access.bootstrap], "topics": [topic.name],
        "consumerGroup": topic.group, "startAt": "latest",
    }).start()  # fmt: skip

    eventually(lambda: topic.committed() == dict.fromkeys(range(4), 2))
    function.has(topic.write(8))
    assert set(function.ids) == {str(number) for number in range(8, 16)}
