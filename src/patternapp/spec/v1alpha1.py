"""The resource ``patternapp.dev/v1alpha1`` ``PatternApp``: what a user writes.

These models are the only source: the CRD, the JSON Schema and the reference page are made from them.
A field's docstring is its description everywhere. Rules across fields live in `patternapp.spec.validation`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from patternapp.spec.base import Duration, HttpUri, Image, Model, Name, Text
from patternapp.spec.filters import Filter
from patternapp.spec.functions import EnvVar, EnvVarSource, Function, KeyRef, ResourceList, Resources, Scale
from patternapp.spec.gateway import Gateway
from patternapp.spec.logs import KafkaProtocol, QueueKafka, RabbitMq, SaslMechanism, StreamKafka
from patternapp.spec.sources import Source

GROUP = "patternapp.dev"
VERSION = "v1alpha1"
KIND = "PatternApp"

Filters = Annotated[tuple[Filter, ...], Field(max_length=16)]


class DeadLetter(Model):
    """Where events go whose delivery failed for good: exactly one of the two."""

    function: Name | None = None
    """A function of this app."""
    uri: HttpUri | None = None
    """An address outside it."""


class Delivery(Model):
    """How an event is delivered. A field left out is taken from the app's `delivery`, then from the defaults."""

    retry: Annotated[int, Field(ge=0, le=100)] | None = None
    """How often a failed delivery is tried again. Default 5."""
    backoff_policy: Literal["linear", "exponential"] | None = None
    """How the wait between attempts grows. Default exponential."""
    backoff_delay: Duration | None = None
    """The first wait. Default 1s."""
    timeout: Duration | None = None
    """How long one attempt may take. Default 30s."""
    dead_letter: DeadLetter | None = None
    """Where events go after the last attempt. Default: the app's own dead-letter store."""


class Broker(Model):
    """The app's Broker."""

    class_: Annotated[Text | None, Field(alias="class")] = None
    """The Broker class, such as Kafka. Default: the cluster's."""
    config: Name | None = None
    """A ConfigMap in the app's namespace that the Broker class reads."""


class EventDriven(Model):
    """Event-driven function: events of a source, or of the app's Broker, call a function."""

    name: Name
    """The name of this entry."""
    source: Source | None = None
    """Where the events come from. Without it: the app's Broker."""
    filters: Filters = ()
    """Which events count: all of these must match."""
    function: Name
    """The function that is called."""
    delivery: Delivery | None = None
    """How these events are delivered."""


class Subscriber(Model):
    """One receiver of a fan-out: exactly one of `function` and `uri`."""

    name: Name
    """The name of this subscriber, unique in its fan-out."""
    function: Name | None = None
    """A function of this app."""
    uri: HttpUri | None = None
    """An address outside it."""
    filters: Filters = ()
    """Which of the fan-out's events this subscriber wants: all of these must match too."""
    delivery: Delivery | None = None
    """How events are delivered to this subscriber."""


class FanOut(Model):
    """Fan-out: each event goes to every subscriber, each with its own delivery."""

    name: Name
    """The name of this entry."""
    filters: Filters = ()
    """Which events fan out: all of these must match."""
    subscribers: Annotated[tuple[Subscriber, ...], Field(min_length=1, max_length=64)]
    """Who receives them."""


class Batch(Model):
    """Calls that carry several events."""

    max: Annotated[int, Field(ge=1, le=10_000)]
    """Events in one call at most."""
    wait: Duration = "500ms"
    """How long a call waits for more events."""


class WorkerScale(Model):
    """How many workers take from a queue or a stream."""

    min: Annotated[int, Field(ge=0, le=1000)] = 0
    """Workers kept when nothing happens."""
    max: Annotated[int, Field(ge=1, le=1000)] = 10
    """Workers at most."""
    lag: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Waiting events for each worker."""
    idle: Duration = "60s"
    """How long a worker without events is kept."""


Ordering = Literal["ordered", "unordered"]


class Queue(Model):
    """Queue-based load leveling: events wait in a durable queue, and workers take them at their own pace."""

    name: Name
    """The name of this entry."""
    filters: Filters = ()
    """Which events of the app's Broker are queued: all of these must match."""
    kafka: QueueKafka | None = None
    """The Kafka topic that holds them. Exactly one of `kafka` and `rabbitmq`."""
    rabbitmq: RabbitMq | None = None
    """The RabbitMQ queue that holds them."""
    function: Name
    """The function that is called with batches."""
    batch: Batch = Batch(max=1)
    """How many events one call carries."""
    scale: WorkerScale = WorkerScale()
    """How many workers there are."""
    ordering: Ordering = "unordered"
    """Whether events of one partition key are taken strictly one after the other."""
    delivery: Delivery | None = None
    """How these events are delivered."""


class Stream(Model):
    """Data stream processing: records of a partitioned log, in order, alone or in micro-batches."""

    name: Name
    """The name of this entry."""
    filters: Filters | None = None
    """Which events of the app's Broker are appended to the first topic. Without it, others fill the topics."""
    kafka: StreamKafka
    """The log."""
    function: Name
    """The function that is called."""
    batch: Batch | None = None
    """Micro-batches. Without it, one call carries one event."""
    scale: WorkerScale = WorkerScale()
    """How many workers there are."""
    ordering: Ordering = "ordered"
    """Whether a failing record holds up its partition until it is delivered or dead-lettered."""
    delivery: Delivery | None = None
    """How records are delivered."""


class Schedule(Model):
    """Scheduled job: a function is called at the times of a cron expression."""

    name: Name
    """The name of this entry."""
    cron: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """Five cron fields (six with seconds in front), or @hourly, @daily, @weekly, @monthly, @yearly."""
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "UTC"
    """An IANA time zone, such as Europe/Berlin."""
    function: Name
    """The function that is called."""
    data: dict[str, Any] | None = None
    """The event's data, a JSON object."""
    job: bool = False
    """Run as a Kubernetes Job, for work over ten minutes."""
    delivery: Delivery | None = None
    """How these events are delivered."""


class Spec(Model):
    """An app: its functions and the patterns that call them."""

    image: Image | None = None
    """The image of every function that names none."""
    env: Annotated[tuple[EnvVar, ...], Field(max_length=64)] = ()
    """Environment variables of every function."""
    broker: Broker = Broker()
    """The Broker that takes the app's events."""
    delivery: Delivery = Delivery()
    """How events are delivered where an entry says nothing else."""
    functions: Annotated[tuple[Function, ...], Field(min_length=1, max_length=64)]
    """What runs."""
    gateway: Gateway | None = None
    """Pattern: API gateway."""
    event_driven: Annotated[tuple[EventDriven, ...], Field(max_length=64)] = ()
    """Pattern: event-driven functions."""
    fan_out: Annotated[tuple[FanOut, ...], Field(max_length=64)] = ()
    """Pattern: fan-out."""
    queues: Annotated[tuple[Queue, ...], Field(max_length=64)] = ()
    """Pattern: queue-based load leveling."""
    streams: Annotated[tuple[Stream, ...], Field(max_length=64)] = ()
    """Pattern: data stream processing."""
    schedules: Annotated[tuple[Schedule, ...], Field(max_length=64)] = ()
    """Pattern: scheduled jobs."""


class Metadata(Model):
    """The part of Kubernetes' ObjectMeta that an author writes."""

    name: Name
    """The app's name."""
    namespace: Name | None = None
    """The namespace it lives in. Default: the one it is applied to."""
    labels: Annotated[dict[str, str], Field(max_length=64)] = Field(default_factory=dict)
    """Labels of the resource itself."""
    annotations: Annotated[dict[str, str], Field(max_length=64)] = Field(default_factory=dict)
    """Annotations of the resource itself."""


class PatternApp(Model):
    """Six serverless patterns, declared in one file."""

    api_version: Literal["patternapp.dev/v1alpha1"]
    """The version of this schema."""
    kind: Literal["PatternApp"]
    """The kind of resource."""
    metadata: Metadata
    """Its name and labels."""
    spec: Spec
    """What the app is."""


__all__ = [
    "GROUP",
    "KIND",
    "VERSION",
    "EnvVar",
    "EnvVarSource",
    "Function",
    "KafkaProtocol",
    "KeyRef",
    "PatternApp",
    "QueueKafka",
    "RabbitMq",
    "ResourceList",
    "Resources",
    "SaslMechanism",
    "Scale",
    "StreamKafka",
]
