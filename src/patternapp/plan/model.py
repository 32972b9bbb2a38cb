"""The plan: nodes (what must exist) and edges (how events and calls flow), with every default filled in.

What holds here:

* A node's `key` is ``kind/name`` and an edge's `key` is ``pattern/entry[/part]``; no two nodes share one, no two edges.
* A schedule's Trigger has the schedule's key, a queue's the queue's, a stream's the stream's.
* Durations are seconds. Filters are Knative's JSON: a tuple of one-dialect mappings, all of which must match.
* Order is the author's order; equal specs give equal plans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from patternapp.delivery import DeliverySpec
    from patternapp.spec import gateway as spec_gateway
    from patternapp.spec import sources as spec_sources
    from patternapp.spec import v1alpha1

SOURCE_ATTRIBUTE = "patternappsource"
"""The extension that every event of a source carries, so that a trigger can tell whose it is."""

FilterList = tuple[Mapping[str, Any], ...]
BROKER = "broker"
GATEWAY = "gateway"
LAST_WORD = 1.0
"""Seconds, at most, in which a function answers that it was too slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """An HTTP receiver. Exactly one of `handler` and `command` is set; `timeout` is what a caller waits, in seconds."""

    name: str
    handler: str | None
    command: tuple[str, ...]
    image: str | None
    env: tuple[v1alpha1.EnvVar, ...]
    min: int
    max: int
    concurrency: int
    idle: float
    timeout: float
    resources: v1alpha1.Resources | None

    @property
    def key(self) -> str:
        return f"function/{self.name}"

    @property
    def handling(self) -> float:
        """Seconds for a handler: a little less than its caller waits, who would not hear how it ended otherwise."""
        return round(self.timeout - min(LAST_WORD, self.timeout / 20), 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The app's Broker, with the delivery of everything that says nothing else."""

    class_: str | None
    config: str | None
    delivery: DeliverySpec
    dead_letter: str | None

    @property
    def key(self) -> str:
        return BROKER


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The one address of an app; its routes are `Route` edges."""

    host: str | None
    cors: spec_gateway.Cors | None
    auth: spec_gateway.Auth | None

    @property
    def key(self) -> str:
        return GATEWAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Events from outside: a bucket, a database or a webhook. `marker` is their `SOURCE_ATTRIBUTE`."""

    name: str
    origin: spec_sources.Bucket | spec_sources.Database | spec_sources.Webhook
    marker: str

    @property
    def key(self) -> str:
        return f"source/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Events from a clock. `marker` is their `SOURCE_ATTRIBUTE`."""

    name: str
    cron: str
    time_zone: str
    data: Mapping[str, Any] | None
    job: bool
    marker: str

    @property
    def key(self) -> str:
        return f"schedule/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A durable queue. Exactly one of `kafka` and `rabbitmq` is set."""

    name: str
    kafka: v1alpha1.QueueKafka | None
    rabbitmq: v1alpha1.RabbitMq | None

    @property
    def key(self) -> str:
        return f"queue/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A partitioned log."""

    name: str
    kafka: v1alpha1.StreamKafka

    @property
    def key(self) -> str:
        return f"stream/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """A receiver outside the app."""

    uri: str

    @property
    def key(self) -> str:
        return self.uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Events of a source or a schedule go to the Broker."""

    key: str
    tail: str
    head: str = BROKER


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Events of the Broker that match go to `head`: a function, a queue, a stream or a URI.

    `dead_letter` is the key of a function or a URI; None means the app's own dead-letter store.
    """

    key: str
    head: str
    filters: FilterList
    delivery: DeliverySpec
    dead_letter: str | None
    tail: str = BROKER


@dataclass(frozen=True, slots=True, kw_only=True)
class Consume:
    """Events of a queue or a stream go to a function, `batch_max` at a time (None: one by one, no batch format)."""

    key: str
    tail: str
    head: str
    delivery: DeliverySpec
    dead_letter: str | None
    batch_max: int | None
    batch_wait: float
    ordered: bool
    min: int
    max: int
    lag: int
    idle: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Requests of the gateway: to a function (`publish` is None) or, as events, to the Broker.

    `auth` is already resolved: the route's own, else the gateway's; None lets everybody in.
    """

    key: str
    name: str
    path: str
    methods: tuple[str, ...]
    head: str
    publish: spec_gateway.Publish | None
    throttle: spec_gateway.Throttle | None
    cache: spec_gateway.Cache | None
    auth: spec_gateway.Auth | None
    tail: str = GATEWAY


Node = Function | Broker | Gateway | Source | Schedule | Queue | Stream | Uri
Edge = Feed | Trigger | Consume | Route
N = TypeVar("N", Function, Broker, Gateway, Source, Schedule, Queue, Stream, Uri)
E = TypeVar("E", Feed, Trigger, Consume, Route)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one pattern adds to a plan."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All nodes and edges of one app, in the author's order."""

    app: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def nodes_of(self, kind: type[N]) -> tuple[N, ...]:
        """The nodes of one kind."""
        return tuple(node for node in self.nodes if isinstance(node, kind))

    def edges_of(self, kind: type[E]) -> tuple[E, ...]:
        """The edges of one kind."""
        return tuple(edge for edge in self.edges if isinstance(edge, kind))

    def receivers(self) -> tuple[str, ...]:
        """What accepted events are delivered to: the keys of the triggers and of the streams."""
        return (*(edge.key for edge in self.edges_of(Trigger)), *(stream.key for stream in self.nodes_of(Stream)))

    def node(self, key: str) -> Node:
        """The node with this key; KeyError where there is none."""
        for node in self.nodes:
            if node.key == key:
                return node
        raise KeyError(key)
