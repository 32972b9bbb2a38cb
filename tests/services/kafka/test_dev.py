"""`patternapp dev --kafka`: queues and streams of an app on a real Kafka, on one machine."""

from __future__ import annotations

import contextlib
import json
import subprocess
import uuid
from typing import TYPE_CHECKING, Any

import harness
import kafka
import pytest
from components import process
from harness import Dev, eventually
from services.kafka import rig

from patternapp.cloudevents import Event
from patternapp_services.bindings import kafka as binding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from components.kafka import Broker

WITHIN = 90.0
"""Seconds: Kafka, `dev`, its functions and the test share two cores with all the others."""
APP = """
delivery: {retry: 20, backoffPolicy: linear, backoffDelay: 200ms, timeout: 20s}
functions: [{name: f, handler: "fn:app", scale: {max: 2}}]
queues:
  - name: jobs
    filters: [{exact: {type: job}}]
    kafka: {bootstrapServers: ["kafka.prod:9092"], topic: TOPIC-jobs, secretName: kafka-login}
    function: f
    batch: {max: 10, wait: 100ms}
    scale: {max: 4, lag: 5}
streams:
  - name: clicks
    kafka: {bootstrapServers: ["kafka.prod:9092"], topics: [TOPIC-clicks], consumerGroup: GROUP}
    function: f
    batch: {max: 10, wait: 100ms}
"""
FUNCTION = """
import json
from patternapp.receiver import Event, Receiver, Reject

app = Receiver()


@app.on_batch()
def take(events: list[Event[dict]]) -> None:
    if any(event.data.get("n") == 13 for event in events) and not mended():
        raise Reject("13 is not taken")
    with open("handled.log", "a") as log:
        log.write(json.dumps([[event.attributes["type"], event.attributes["id"]] for event in events]) + "\\n")


def mended() -> bool:
    import os
    return os.path.exists("mended")
"""

CLICK = Event({"specversion": "1.0", "id": "1", "source": "/shop", "type": "click"}, b'{"n": 1}')


class App:
    """An app with a queue and a stream in topics of its own, whose function writes down what it took."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.broker = broker
        self.name = f"dev-{uuid.uuid4().hex[:8]}"
        self.dev = Dev(folder)
        self.write_spec(APP)

    def write_spec(self, spec: str) -> None:
        self.dev.write(spec.replace("TOPIC", self.name).replace("GROUP", f"{self.name}-clicks"), fn=FUNCTION)
        # The group of the queue is named after the app.
        self.dev.file.write_text(self.dev.file.read_text().replace("name: test}", f"name: {self.name}}}"))

    def start(self) -> App:
        self.dev.start("--no-reload", "--kafka", self.broker.access.bootstrap)
        return self

    def publish(self, numbers: Sequence[int], **attributes: str) -> None:
        common = {"specversion": "1.0", "source": "/test", "type": "job", **attributes}
        events = [{**common, "id": str(number), "data": {"n": number}} for number in numbers]
        headers = {"content-type": "application/cloudevents-batch+json"}
        assert self.dev.request("POST", "/events", json.dumps(events).encode(), headers).status == 202

    def batches(self) -> list[list[list[str]]]:
        path = self.dev.folder / "handled.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def handled(self) -> set[str]:
        return {id_ for batch in self.batches() for _type, id_ in batch}

    def handles(self, ids: set[str]) -> None:
        """Wait until the function has had all of these."""
        eventually(lambda: self.handled() >= ids, within=WITHIN)

    def counts(self, **wanted: int) -> None:
        """Wait until the ledger says so."""
        eventually(lambda: wanted.items() <= self.dev.ledger().items(), within=WITHIN)

    def topic(self, name: str) -> str:
        return f"{self.name}-{name}"

    def write(self, name: str, what: Event[bytes | None] | bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Append a record, as somebody else does."""
        record = binding.Record(None, what, list(headers)) if isinstance(what, bytes) else binding.encode(what)
        with contextlib.closing(kafka.KafkaProducer(bootstrap_servers=self.broker.access.bootstrap)) as producer:
            producer.send(self.topic(name), value=record.value, headers=record.headers).get(timeout=WITHIN)

    def records(self, name: str) -> list[Any]:
        """All that is in the topic."""
        return rig.records(self.broker, self.topic(name), partitions=4)

    def drained(self) -> None:
        """Wait until nothing of the queue waits in Kafka."""
        eventually(lambda: (known := self.queue())["waiting"] + known["leased"] + known["delayed"] == 0, within=WITHIN)

    def queue(self) -> dict[str, Any]:
        (queue,) = self.dev.api("queues")["queues"]
        known: dict[str, Any] = queue
        return known


@pytest.fixture
def app(tmp_path: Path, kafka_broker: Broker) -> Iterator[App]:
    made = App(tmp_path, kafka_broker)
    yield made
    made.dev.close()


def test_an_event_goes_through_the_queue_s_topic_to_the_function_in_batches(app: App) -> None:
    app.start()

    app.publish(range(100, 140))

    app.handles({str(number) for number in range(100, 140)})
    assert 1 < max(len(batch) for batch in app.batches()) <= 10
    assert len(app.records("jobs")) == 40
    # Each was handed over, and handled: two events of one id, each with one delivery.
    app.counts(accepted=80, delivered=80, dead_lettered=0, pending=0)
    known = [event for event in app.dev.api("events?limit=1000")["events"] if event["id"] == "100"]
    assert [event["origin"].split("/")[0] for event in known] == ["ingress", "kafka"]
    assert {one["edge"] for event in known for one in event["deliveries"]} == {"queue/jobs"}


def test_what_others_write_to_a_stream_s_topic_is_handled(app: App) -> None:
    app.start()

    app.write("clicks", CLICK)
    app.write("clicks", b'{"n": 2}')

    eventually(lambda: sum(len(batch) for batch in app.batches()) == 2, within=WITHIN)
    types = {type_ for batch in app.batches() for type_, _id in batch}
    assert types == {"click", binding.WRAPPED_TYPE}
    app.counts(accepted=2, delivered=2, dead_lettered=0)


def test_what_is_posted_to_a_topic_of_a_stream_is_in_the_topic(app: App) -> None:
    app.start()

    assert app.dev.send("click", {"n": 1}, path=f"/topics/{app.name}-clicks", id_="7").status == 202

    app.handles({"7"})
    assert len(app.records("clicks")) == 1


def test_a_refused_record_is_a_dead_letter_and_goes_through_the_topic_again(app: App) -> None:
    app.start()
    app.publish([12, 13, 14])
    app.counts(delivered=5, dead_lettered=1, pending=0)
    (dead,) = app.dev.api("dead-letters")["deadLetters"]
    assert (dead["id"], dead["edge"], dead["code"]) == ("13", "queue/jobs", 422)
    assert dead["reason"] == "answered 422: 13 is not taken"
    assert app.queue()["deadLettered"] == 1
    (app.dev.folder / "mended").touch()

    assert app.dev.api("dead-letters/redrive", {"all": True}) == {"redriven": 1}

    app.handles({"12", "13", "14"})
    assert len(app.records("jobs")) == 4
    app.counts(delivered=7, dead_lettered=0, pending=0)


def test_a_record_that_is_no_cloudevent_though_it_says_so_is_a_dead_letter(app: App) -> None:
    app.start()

    app.write("clicks", b"{}", headers=[("ce_specversion", b"1.0"), ("ce_id", b"1")])

    app.counts(accepted=1, dead_lettered=1, delivered=0)
    (dead,) = app.dev.api("dead-letters")["deadLetters"]
    assert (dead["edge"], dead["code"], dead["type"]) == ("stream/clicks", 400, binding.WRAPPED_TYPE)
    assert app.batches() == []


def test_nothing_is_lost_when_dev_is_killed_with_records_under_way(app: App) -> None:
    app.start()
    wanted: set[str] = set()
    for round_ in range(1, 4):
        numbers = range(1000 * round_, 1000 * round_ + 300)
        wanted |= {str(number) for number in numbers}
        before = len(app.batches())
        for start in range(0, 300, 50):
            app.publish(numbers[start : start + 50])
        eventually(lambda before=before: len(app.batches()) > before, within=WITHIN)  # type: ignore[misc]

        app.dev.kill()
        app.start()

    app.handles(wanted)
    app.drained()
    ledger = app.dev.settled(within=WITHIN)
    assert ledger["dead_lettered"] == 0


def test_records_wait_for_a_kafka_that_is_restarted(app: App) -> None:
    app.start()
    app.publish(range(100, 110))
    app.handles({str(number) for number in range(100, 110)})

    app.broker.stop()
    app.publish(range(200, 210))
    eventually(lambda: "does not answer; queues and streams go on" in app.dev.log(), within=WITHIN)
    app.broker.start()

    app.handles({str(number) for number in range(200, 210)})
    app.counts(dead_lettered=0, pending=0)
    assert "answers again" in app.dev.log()


def test_events_of_one_key_are_handled_in_their_order_over_a_restart_of_kafka(app: App) -> None:
    app.write_spec(APP.replace("    scale: {max: 4, lag: 5}\n", "    ordering: ordered\n"))
    app.start()
    app.publish(range(100, 150), partitionkey="k")
    app.handles({"100"})

    app.broker.stop()
    app.publish(range(150, 200), partitionkey="k")
    app.broker.start()

    app.handles({str(number) for number in range(100, 200)})
    order = [int(id_) for batch in app.batches() for _type, id_ in batch]
    first = {number: order.index(number) for number in range(100, 200)}
    assert sorted(first, key=first.__getitem__) == list(range(100, 200))


def test_dev_ends_while_kafka_is_away_and_keeps_what_it_could_not_hand_over(app: App) -> None:
    app.start()
    app.broker.stop()
    app.publish([1, 2, 3])

    assert app.dev.stop() == 0

    app.broker.start()
    app.start()
    app.handles({"1", "2", "3"})


def test_what_waited_in_the_store_is_handed_over_to_kafka(app: App) -> None:
    app.dev.module("fn", "raise SystemExit")
    app.dev.start("--no-reload")
    app.publish([21, 22])
    app.dev.kill()
    app.dev.module("fn", FUNCTION)

    app.start()

    app.handles({"21", "22"})
    assert {binding.decode(record.headers, record.value) is not None for record in app.records("jobs")} == {True}


def test_at_the_end_the_group_is_left_and_what_is_done_is_committed(app: App) -> None:
    app.start()
    app.publish(range(100, 120))
    app.counts(delivered=40, pending=0)

    assert app.dev.stop() == 0

    with contextlib.closing(kafka.KafkaAdminClient(bootstrap_servers=app.broker.access.bootstrap)) as admin:
        group = f"patternapp.{app.name}.jobs"
        assert sum(at.offset for at in admin.list_group_offsets(group)[group].values() if at.offset > 0) == 20
        assert admin.describe_groups([group])[group]["members"] == []


def test_the_queue_and_the_stream_show_what_waits_in_kafka(app: App) -> None:
    app.start()
    app.publish(range(100, 110))
    app.write("clicks", CLICK)
    app.counts(delivered=21, pending=0)

    def looks() -> bool:
        """What it shows is as old as the worker's last look."""
        (stream,) = app.dev.api("streams")["streams"]
        ends = [(one["topic"], one["end"], one["lag"]) for one in stream["partitions"]]
        return sorted(ends) == [(f"{app.name}-clicks", end, 0) for end in (0, 0, 0, 1)]

    eventually(looks, within=WITHIN)
    app.drained()
    assert app.queue()["kafka"] == {
        "topic": f"{app.name}-jobs",
        "consumerGroup": f"patternapp.{app.name}.jobs",
        "handOver": 0,
    }


def test_a_kafka_that_is_not_there_is_told_before_anything_runs(tmp_path: Path) -> None:
    dev = Dev(tmp_path).write(APP.replace("TOPIC", "t").replace("GROUP", "g"), fn=FUNCTION)
    address = f"127.0.0.1:{process.free_port()}"

    command = [*harness.PATTERNAPP, "dev", str(dev.file), "--port", str(dev.port), "--kafka", address]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN)

    assert ended.returncode == 3
    said = " ".join(ended.stderr.split())
    assert f"no Kafka answers at {address} (--kafka), where this app's queues and streams are to be" in said
    assert "leave out --kafka" in said
