"""The logs that hold a queue's or a stream's events, as a user writes them: Kafka topics and RabbitMQ queues."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from patternapp.spec import formats
from patternapp.spec.base import Model, Name

Servers = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=formats.SERVER, max_length=253)], ...],
    Field(min_length=1, max_length=16),
]
Topic = Annotated[str, StringConstraints(pattern=formats.TOPIC, max_length=249)]
KafkaProtocol = Literal["SASL_SSL", "SASL_PLAINTEXT", "SSL"]
SaslMechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


class QueueKafka(Model):
    """A Kafka topic that holds a queue."""

    bootstrap_servers: Servers
    """Addresses of Kafka brokers, as host:port."""
    topic: Topic
    """The topic."""
    secret_name: Name | None = None
    """A Secret with Knative's keys for Kafka: protocol, sasl.mechanism, user, password, ca.crt, user.crt, user.key."""
    protocol: KafkaProtocol | None = None
    """What the Secret says as `protocol`: KEDA and KafkaSource do not read it there. Default SASL_SSL."""
    sasl_mechanism: SaslMechanism | None = None
    """What the Secret says as `sasl.mechanism`. Default SCRAM-SHA-512."""


class RabbitMq(Model):
    """A RabbitMQ queue."""

    secret_name: Name
    """A Secret whose key `url` is the AMQP address."""
    queue: Topic | None = None
    """The queue. Default: named after the app and the entry."""


class StreamKafka(Model):
    """Kafka topics that are read as a stream."""

    bootstrap_servers: Servers
    """Addresses of Kafka brokers, as host:port."""
    topics: Annotated[tuple[Topic, ...], Field(min_length=1, max_length=16)]
    """The topics."""
    consumer_group: Topic
    """The consumer group, whose committed offsets are the stream's position. Never change it."""
    start_at: Literal["earliest", "latest"] = "earliest"
    """Where a group without committed offsets begins."""
    secret_name: Name | None = None
    """A Secret with Knative's keys for Kafka."""
    protocol: KafkaProtocol | None = None
    """What the Secret says as `protocol`: KEDA and KafkaSource do not read it there. Default SASL_SSL."""
    sasl_mechanism: SaslMechanism | None = None
    """What the Secret says as `sasl.mechanism`. Default SCRAM-SHA-512."""
