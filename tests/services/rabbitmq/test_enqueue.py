"""The service that appends events, on a real RabbitMQ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import eventually

if TYPE_CHECKING:
    from services.functions import Function
    from services.rabbitmq.rig import Queue

HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/s",
    "ce-type": "t",
    "content-type": "application/json",
}


def test_an_event_that_was_answered_202_is_in_the_queue_for_good(queue: Queue) -> None:
    enqueue = queue.enqueue().start()

    status, _, _ = enqueue.post("/queue/test", b'{"n":1}', HEADERS)

    assert status == 202
    (message,) = queue.messages()
    assert (message.body, message.content_type, message.delivery_mode) == (b'{"n":1}', "application/json", 2)
    assert {name: value for name, value in message.headers.items() if name.startswith("cloudEvents")} == {
        "cloudEvents:specversion": "1.0",
        "cloudEvents:id": "1",
        "cloudEvents:source": "/s",
        "cloudEvents:type": "t",
    }


def test_an_event_passes_from_the_service_to_a_function(queue: Queue, function: Function) -> None:
    enqueue = queue.enqueue().start()
    queue.worker(function.url).start()

    assert enqueue.post("/queue/test", b"1", HEADERS)[0] == 202

    eventually(lambda: function.ids == ["1"])


def test_after_the_connection_was_cut_events_are_taken_again(queue: Queue) -> None:
    enqueue = queue.enqueue().start()
    assert enqueue.post("/queue/test", b"1", HEADERS)[0] == 202

    queue.line.cut()

    eventually(lambda: enqueue.post("/queue/test", b"2", HEADERS)[0] == 202)
    assert [message.body for message in queue.messages()] == [b"1", b"2"]


def test_after_the_queue_was_deleted_it_is_made_again(queue: Queue) -> None:
    enqueue = queue.enqueue().start()
    assert enqueue.post("/queue/test", b"1", HEADERS)[0] == 202

    queue.delete()

    eventually(lambda: enqueue.post("/queue/test", b"2", HEADERS)[0] == 202)
    assert [message.body for message in queue.messages()] == [b"2"]


def test_while_rabbitmq_is_away_senders_are_told_to_come_again(queue: Queue) -> None:
    enqueue = queue.enqueue().start()
    queue.line.close()

    status, headers, said = enqueue.post("/queue/test", b"1", HEADERS)

    assert (status, headers["retry-after"]) == (503, "1")
    assert queue.name.encode() in said
