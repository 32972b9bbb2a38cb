"""A worker beside a function, on a real RabbitMQ: what reaches the function, and what becomes of the rest."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING

from harness import eventually

if TYPE_CHECKING:
    from services.functions import Answer, Events, Function
    from services.rabbitmq.rig import Queue


def test_all_messages_reach_the_function_in_batches_and_are_acknowledged(queue: Queue, function: Function) -> None:
    wanted = queue.write(100)

    worker = queue.worker(function.url).start()

    function.has(wanted)
    eventually(lambda: worker.ledger()["delivered"] == 100)
    worker.program.stop()
    assert max(len(call.events) for call in function.calls) == 20
    assert queue.messages() == []


def test_batches_may_end_in_another_order_than_they_began(queue: Queue, function: Function) -> None:
    wanted, others = queue.write(100), threading.Event()

    def answer(events: Events) -> Answer:
        if any(one["id"] == "0" for one in events):
            assert others.wait(60)
        elif len(function.ids) >= 60:
            others.set()
        return 204, b""

    function.answer = answer
    worker = queue.worker(function.url).start()
    function.has(wanted)
    eventually(lambda: worker.ledger()["delivered"] == 100)
    metrics = worker.metrics()
    worker.program.stop()

    assert metrics["patternapp_worker_rejoins_total"] == 0
    assert queue.messages() == []


def test_a_message_that_is_no_event_becomes_one(queue: Queue, function: Function) -> None:
    queue.append(b"42,7", content_type="text/csv", message_id="m-1")

    queue.worker(function.url).start()

    eventually(lambda: function.calls)
    assert function.calls[0].events == [
        {
            "specversion": "1.0",
            "id": "m-1",
            "source": f"/rabbitmq#{queue.name}",
            "type": "dev.knative.rabbitmq.event",
            "datacontenttype": "text/csv",
            "data": "42,7",
        }
    ]


def test_a_message_that_lies_about_being_an_event_is_a_dead_letter_that_no_handler_sees(
    queue: Queue, function: Function, sink: Function
) -> None:
    queue.append(b"x", headers={"cloudEvents:specversion": "1.0", "cloudEvents:id": "1"}, message_id="m-1")

    worker = queue.worker(function.url, deadLetter={"uri": sink.url}).start()

    eventually(lambda: worker.ledger()["dead_lettered"] == 1)
    (letter,) = sink.calls[0].events
    assert (letter["id"], letter["knativeerrorcode"]) == ("m-1", "400")
    assert base64.b64decode(letter["knativeerrordata"]) == b"source: is missing"
    assert not function.calls


def test_an_event_whose_attempts_are_used_up_is_a_dead_letter_and_its_neighbors_are_done(
    queue: Queue, function: Function, sink: Function
) -> None:
    function.answer = lambda events: (500, b"no sevens") if any(one["id"] == "7" for one in events) else (204, b"")
    queue.write(20)

    worker = queue.worker(function.url, deadLetter={"uri": sink.url}).start()

    eventually(lambda: worker.ledger()["dead_lettered"] == 1)
    eventually(lambda: worker.ledger()["delivered"] == 19)
    assert sink.ids == ["7"]


def test_what_a_killed_worker_had_is_given_to_another(queue: Queue, function: Function) -> None:
    over = threading.Event()
    function.answer = lambda _: (204, b"") if over.wait(60) else (500, b"")
    wanted = queue.write(60)
    worker = queue.worker(function.url).start()
    function.begins(wanted)

    worker.program.kill()
    over.set()
    other = queue.worker(function.url).start()

    function.has(wanted)
    eventually(lambda: queue.ready() == 0 and other.ledger()["pending"] == 0 and other.ledger()["delivered"] >= 60)


def test_a_worker_that_is_told_to_end_gives_back_what_it_had_not_begun(queue: Queue, function: Function) -> None:
    wanted = queue.write(60)
    first = queue.worker(function.url, batch={"max": 1, "waitSeconds": 0.0}, concurrency=1).start()
    eventually(lambda: function.calls)

    first.program.stop()
    queue.worker(function.url).start()

    function.has(wanted)
    assert [one for one, times in function.counted().items() if times > 1] == []


def test_work_goes_on_after_the_connection_was_cut_and_nothing_is_lost(queue: Queue, function: Function) -> None:
    over = threading.Event()
    function.answer = lambda _: (204, b"") if over.wait(60) else (500, b"")
    worker = queue.worker(function.url, batch={"max": 1, "waitSeconds": 0.0}).start()
    wanted = queue.write(200)
    function.begins(wanted)

    queue.line.cut()
    eventually(lambda: worker.metrics()["patternapp_worker_rejoins_total"] == 1)
    over.set()

    # What was in flight on the line that was cut comes again, and is in nobody's hands for a moment.
    eventually(lambda: queue.ready() == 0 and worker.ledger()["pending"] == 0 and worker.ledger()["delivered"] >= 200)
    assert set(function.ids) == wanted


def test_work_goes_on_after_the_queue_was_deleted_and_made_again(queue: Queue, function: Function) -> None:
    worker = queue.worker(function.url).start()
    function.has(queue.write(20))
    eventually(lambda: worker.ledger()["delivered"] == 20)

    queue.delete()

    function.has(queue.write(20), within=90)


def test_in_order_one_worker_has_the_queue_and_another_takes_over_when_it_is_gone(
    ordered_queue: Queue, function: Function
) -> None:
    queue = ordered_queue
    first = queue.worker(function.url, ordered=True, batch={"max": 1, "waitSeconds": 0.0}).start()
    function.has(queue.write(10))
    second = queue.worker(function.url, ordered=True, batch={"max": 1, "waitSeconds": 0.0}).start()
    function.has(queue.write(10))
    eventually(lambda: first.ledger()["delivered"] == 20)
    assert second.ledger()["received"] == 0

    first.program.kill()

    function.has(queue.write(10))
    assert list(map(int, function.ids)) == list(range(30))
