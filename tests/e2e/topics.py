"""A Kafka topic and a consumer group of a test's own, in the Kafka of the cluster."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any

import harness
import kafka
from kafka import admin as kafka_admin
from kafka import errors as kafka_errors

from patternapp import cloudevents
from patternapp_services.bindings import kafka as binding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.stack import state

COUNTED = "e2e.counted"


class Topic:
    """A topic.

    Attributes:
        name: Its name.
        group: A consumer group for who reads it; nothing else does.
        partitions: How many there are; the event of number n is in partition n modulo as many.
    """

    def __init__(self, bootstrap: str, *, partitions: int) -> None:
        self.name = f"e2e-{uuid.uuid4().hex[:12]}"
        self.group = f"{self.name}-readers"
        self.partitions = partitions
        self._admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)
        self._admin.create_topics([kafka_admin.NewTopic(self.name, partitions, 1)])
        self._producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)

    def write(self, numbers: range) -> None:
        """Append events whose ids are these numbers; returns once Kafka has them."""
        for number in numbers:
            named: dict[str, cloudevents.Value] = {
                "specversion": "1.0",
                "id": f"{number}",
                "source": "/e2e",
                "type": COUNTED,
                "datacontenttype": "application/json",
            }
            record = binding.encode(cloudevents.Event(named, json.dumps({}).encode()))
            place = number % self.partitions
            self._producer.send(self.name, value=record.value, headers=record.headers, partition=place)
        self._producer.flush()

    def committed(self, group: str | None = None) -> dict[int, int]:
        """The offsets of a group, its own where none is named; a partition without one is not there."""
        (offsets,) = harness.eventually(lambda: self._offsets(group or self.group))
        return {
            place.partition: at.offset for place, at in offsets.items() if place.topic == self.name and at.offset >= 0
        }

    def _offsets(self, group: str) -> tuple[Any, ...]:
        """What the broker says; nothing while it looks for whom to ask."""
        try:
            return (self._admin.list_group_offsets(group)[group],)
        except kafka_errors.RetriableError:
            return ()

    def ends(self, written: int) -> dict[int, int]:
        """The offsets that a group has when it has read the events of the first so many numbers."""
        return {place: len(range(place, written, self.partitions)) for place in range(self.partitions)}

    def close(self) -> None:
        """Delete it. Who still reads it is told that it is gone."""
        self._producer.close()
        self._admin.delete_topics([self.name])
        self._admin.close()


@contextlib.contextmanager
def made(stack: state.Stack, *, partitions: int) -> Iterator[Topic]:
    """A topic, deleted at the end."""
    topic = Topic(stack.kafka, partitions=partitions)
    try:
        yield topic
    finally:
        topic.close()
