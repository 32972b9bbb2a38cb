"""What tests of Kafka share: a topic and a group of their own, what is written to it, and workers that read it."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import threading
import uuid
from typing import TYPE_CHECKING, Any

import kafka
from components import kafka as kafka_broker
from components import process
from harness import eventually
from kafka import admin as kafka_admin
from kafka import errors as kafka_errors
from services import programs
from services.programs import Service

from patternapp import cloudevents
from patternapp_services import addresses, connections, program
from patternapp_services.bindings import kafka as binding
from patternapp_services.worker import service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from components.kafka import Broker

PARTITIONS = 4
SESSION_SECONDS = 3.0


def event(number: int, *, key: str | None = None, **attributes: str) -> cloudevents.Event[bytes | None]:
    """The event with this number as its id and its data."""
    named: dict[str, cloudevents.Value] = {
        "specversion": "1.0",
        "id": str(number),
        "source": "/test",
        "type": "test.counted",
    }
    named |= {"datacontenttype": "application/json", **attributes}
    if key is not None:
        named["partitionkey"] = key
    return cloudevents.Event(named, b"%d" % number)


def records(broker: Broker, topic: str, *, partitions: int) -> list[Any]:
    """All that is in a topic."""
    with contextlib.closing(kafka.KafkaConsumer(bootstrap_servers=broker.access.bootstrap, group_id=None)) as reader:
        places = [kafka.TopicPartition(topic, number) for number in range(partitions)]
        reader.assign(places)
        reader.seek_to_beginning(*places)
        wanted = sum(reader.end_offsets(places).values())
        found: list[Any] = []
        while len(found) < wanted:
            for some in reader.poll(timeout_ms=1000).values():
                found += some
        return found


class Topic:
    """A topic and a consumer group nobody else has. Record n of those that `write` wrote is in partition n modulo
    `partitions`, at n divided by it."""

    def __init__(self, broker: Broker, *, folder: Path, partitions: int = PARTITIONS) -> None:
        self.broker = broker
        self.folder = folder
        self.partitions = partitions
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.group = f"group-{self.name}"
        self.written = 0
        self._services: list[Service] = []
        self._admin = kafka.KafkaAdminClient(bootstrap_servers=broker.access.bootstrap)
        self._admin.create_topics([kafka_admin.NewTopic(self.name, partitions, 1)])
        self._producer = kafka.KafkaProducer(bootstrap_servers=broker.access.bootstrap, linger_ms=5)

    def write(self, count: int) -> set[str]:
        """Append events with the next numbers; their ids, once they are there."""
        numbers = range(self.written, self.written + count)
        self.written += count
        for number in numbers:
            record = binding.encode(event(number))
            self._producer.send(
                self.name, value=record.value, headers=record.headers, partition=number % self.partitions
            )
        self._producer.flush()
        return {str(number) for number in numbers}

    def append(
        self, value: bytes | None, *, key: bytes | None = None, headers: Iterable[tuple[str, bytes]] = ()
    ) -> None:
        """Append a record as it is, to partition 0."""
        self._producer.send(self.name, value=value, key=key, headers=list(headers), partition=0)
        self._producer.flush()

    def widen(self, partitions: int) -> None:
        """Have so many partitions; to be done before anything is written."""
        self._admin.create_partitions({self.name: partitions})
        self.partitions = partitions

    def committed(self) -> dict[int, int]:
        """The group's offsets; a partition that has none is not there."""
        (offsets,) = eventually(self._offsets)
        return {
            place.partition: at.offset for place, at in offsets.items() if place.topic == self.name and at.offset >= 0
        }

    def _offsets(self) -> tuple[Any, ...]:
        """What the broker says; nothing while the client has not found its way back to one that was away."""
        try:
            return (self._admin.list_group_offsets(self.group)[self.group],)
        except kafka_errors.RetriableError:
            return ()

    def lag(self) -> int:
        """Records that are not committed."""
        ends = collections.Counter(number % self.partitions for number in range(self.written))
        return sum(ends.values()) - sum(self.committed().values())

    def records(self) -> list[Any]:
        """All that is in the topic."""
        return records(self.broker, self.name, partitions=self.partitions)

    def worker(self, function: str, **settings: Any) -> Service:
        """A worker of this group; `settings` replace what the configuration says."""
        return self.start_role("worker", self._config(function) | settings)

    def enqueue(self, **more: str) -> Service:
        """The service that appends to this topic under /queue/test, and to others under /queue/NAME."""
        servers = {"bootstrapServers": [self.broker.access.bootstrap]}
        logs = [{"path": f"/queue/{name}", "kafka": {**servers, "topic": other}} for name, other in more.items()]
        logs.append({"path": "/queue/test", "kafka": {**servers, "topic": self.name}})
        return self.start_role("enqueue", {"logs": logs})

    def login(self, mechanism: str, *, but: dict[str, str] | None = None) -> dict[str, Any]:
        """The topic over TLS with a password; `but` replaces keys of the Secret."""
        access = self.broker.access
        secret = self.folder / "secrets" / "kafka"
        secret.mkdir(parents=True, exist_ok=True)
        known = {"user": kafka_broker.USER, "password": access.password, "ca.crt": access.authority.read_text()}
        for key, value in (known | {"protocol": "SASL_SSL", "sasl.mechanism": mechanism} | (but or {})).items():
            (secret / key).write_text(value)
        return {"bootstrapServers": [access.secure], "topic": self.name, "secretName": "kafka"}

    def start_role(self, role: str, config: dict[str, Any]) -> Service:
        """One of our services, which is stopped at the end."""
        started = Service(role, config, folder=self.folder)
        self._services.append(started)
        return started

    @contextlib.contextmanager
    def passing_worker(self, function: str) -> Iterator[None]:
        """A worker of this group inside the block: in this process, since one of its own takes longer to start."""
        loop = asyncio.new_event_loop()
        stopping = asyncio.Event()
        setting = program.Setting(
            config=json.dumps(self._config(function)).encode(),
            secrets=connections.Secrets(self.folder),
            addresses=addresses.Addresses(),
            host=process.HOST,
            port=0,
            stopping=stopping,
        )
        thread = threading.Thread(target=loop.run_until_complete, args=(service.run(setting),))
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stopping.set)
            thread.join()
            loop.close()

    def _config(self, function: str) -> dict[str, Any]:
        return {
            "kafka": {
                "bootstrapServers": [self.broker.access.bootstrap],
                "topic": self.name,
                "consumerGroup": self.group,
                "startAt": "earliest",
            },
            **programs.worker(function),
            "sessionSeconds": SESSION_SECONDS,
        }

    def close(self) -> None:
        for one in self._services:
            one.program.stop()
        self._producer.close()
        self._admin.close()


@contextlib.contextmanager
def topic(broker: Broker, *, folder: Path, partitions: int = PARTITIONS) -> Iterator[Topic]:
    made = Topic(broker, folder=folder, partitions=partitions)
    try:
        yield made
    finally:
        made.close()
