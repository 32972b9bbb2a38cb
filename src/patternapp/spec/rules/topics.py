"""Topics, queues and consumer groups: what two entries cannot share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.spec.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.v1alpha1 import PatternApp


NO_TOPICS = (".", "..")
NO_TOPIC = "no topic can have this name"


def legal_topics(app: PatternApp) -> Iterator[Flaw]:
    """Kafka refuses the names ``.`` and ``..``."""
    for index, queue in enumerate(app.spec.queues):
        if queue.kafka is not None and queue.kafka.topic in NO_TOPICS:
            yield Flaw(("spec", "queues", index, "kafka", "topic"), "BadFormat", NO_TOPIC)
    for index, stream in enumerate(app.spec.streams):
        for position, topic in enumerate(stream.kafka.topics):
            if topic in NO_TOPICS:
                path = ("spec", "streams", index, "kafka", "topics", position)
                yield Flaw(path, "BadFormat", NO_TOPIC)


def own_queues(app: PatternApp) -> Iterator[Flaw]:
    """A queue's topic or RabbitMQ queue is its own: another reader would take its events or read them twice."""
    owners: dict[tuple[str, str], str] = {}
    for index, queue in enumerate(app.spec.queues):
        if queue.kafka is not None:
            place, field = ("kafka", queue.kafka.topic), ("kafka", "topic")
        elif queue.rabbitmq is not None and queue.rabbitmq.queue is not None:
            place, field = ("rabbitmq", queue.rabbitmq.queue), ("rabbitmq", "queue")
        else:
            continue
        owner = owners.setdefault(place, queue.name)
        if owner != queue.name:
            message = f"queue {owner!r} already keeps its events in {place[1]!r}; give this one its own"
            yield Flaw(("spec", "queues", index, *field), "TopicConflict", message)
    for index, stream in enumerate(app.spec.streams):
        for position, topic in enumerate(stream.kafka.topics):
            if ("kafka", topic) in owners:
                message = f"queue {owners['kafka', topic]!r} keeps its events in {topic!r}; name another topic"
                yield Flaw(("spec", "streams", index, "kafka", "topics", position), "TopicConflict", message)


def own_groups(app: PatternApp) -> Iterator[Flaw]:
    """Two streams of one consumer group would share the partitions between them: each would miss records."""
    owners: dict[str, str] = {}
    for index, stream in enumerate(app.spec.streams):
        group = stream.kafka.consumer_group
        owner = owners.setdefault(group, stream.name)
        if owner != stream.name:
            message = f"stream {owner!r} already reads as {group!r}, so each would miss records; name another group"
            yield Flaw(("spec", "streams", index, "kafka", "consumerGroup"), "GroupConflict", message)
