"""What a row of the conformance table is.

What must be true here:

* A row is data and one function over what anybody sees from outside: answers to requests, and what arrived where. No
  row knows which Broker it runs against, and none looks into one.
* Texts are written with ``{row}`` where the row's key belongs: in types, ids and sources. So all rows can share one
  Broker, and each is told what is its own.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from patternapp.cloudevents import Event

KEY_LIMIT = 50
"""Characters of a key: with the name of a Trigger it is still a name for Kubernetes."""
Level = Literal["MUST", "MUST NOT", "SHOULD", "MAY"]
"""How binding a sentence is. MAY is what specifications leave to a Broker, and the default Broker's code decides."""

SOURCES = {
    "data-plane": (
        "Knative, Eventing data plane",
        "https://github.com/knative/specs/blob/main/specs/eventing/data-plane.md",
    ),
    "http": (
        "CloudEvents, HTTP protocol binding",
        "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md",
    ),
    "webhook": (
        "CloudEvents, HTTP webhooks",
        "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md",
    ),
    "event": ("CloudEvents, core", "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md"),
    "filters": (
        "CloudEvents, subscriptions: filters",
        "https://github.com/cloudevents/spec/blob/main/subscriptions/spec.md",
    ),
    "ingress": (
        "Knative, the default Broker's ingress",
        "https://github.com/knative/eventing/blob/main/pkg/broker/ingress/ingress_handler.go",
    ),
    "filter": (
        "Knative, the default Broker's filter",
        "https://github.com/knative/eventing/blob/main/pkg/broker/filter/filter_handler.go",
    ),
    "lookup": (
        "Knative, attributes as filters see them",
        "https://github.com/knative/eventing/blob/main/pkg/eventfilter/attributes/filter.go",
    ),
    "ttl": ("Knative, loops", "https://github.com/knative/eventing/blob/main/pkg/broker/ttl.go"),
    "retries": (
        "Knative, retries",
        "https://github.com/knative/eventing/blob/main/pkg/kncloudevents/retries.go",
    ),
    "letters": (
        "Knative, attributes of dead letters",
        "https://github.com/knative/eventing/blob/main/pkg/kncloudevents/attributes/knative_error.go",
    ),
    "ping": (
        "Knative, PingSource",
        "https://github.com/knative/eventing/blob/main/pkg/apis/sources/v1/ping_validation.go",
    ),
    "cron": ("robfig/cron, expressions", "https://pkg.go.dev/github.com/robfig/cron/v3"),
}
"""Where sentences are from: a title and an address by the word that rows cite."""

EVENT = {"ce-specversion": "1.0", "ce-id": "{row}", "ce-source": "/conformance", "ce-type": "{row}"}
"""The headers of an event that the row's own Trigger wants."""


@dataclass(frozen=True, slots=True)
class Says:
    """One answer of a subscriber; an `after` makes it wait so many seconds first."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: float = 0.0


OK = Says(204)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A Trigger with a subscriber of its own.

    Attributes:
        name: What tells it from the row's others; what reaches its dead-letter sink is seen as ``NAME.dead``.
        filters: Which events it wants; those of the row's own type where none are named.
        answers: What the subscriber says, one answer after the other, the last one for ever; none: nobody listens.
        retry: Attempts after the first.
        policy: How waits grow.
        delay: The unit of the waits, seconds.
        timeout: How long an attempt may take, seconds.
        dead: What the dead-letter sink says; None: there is no such sink.
    """

    name: str = "a"
    filters: tuple[Any, ...] = ({"exact": {"type": "{row}"}},)
    answers: tuple[Says, ...] = (OK,)
    retry: int = 0
    policy: Literal["linear", "exponential"] = "exponential"
    delay: float = 0.1
    timeout: float = 30.0
    dead: tuple[Says, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a producer sends; the path is what follows the Broker's own."""

    method: str = "POST"
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: EVENT)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A schedule that sends events to the Broker; the look waits for so many of them."""

    cron: str
    zone: str = "UTC"
    data: Any = None
    fires: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """What a producer was answered."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that reached somebody: when, in seconds, and the event in it, if it was one."""

    at: float
    headers: Mapping[str, str]
    event: Event[bytes | None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there was to see of one row.

    Attributes:
        answers: Of its requests, in their order.
        arrivals: By the name of a Trigger, or ``NAME.dead``.
        urls: Where those are, by the same names.
        admitted: Whether its schedule was taken; None where it has none.
    """

    answers: tuple[Answered, ...] = ()
    arrivals: Mapping[str, tuple[Arrival, ...]] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)
    admitted: bool | None = None

    def at(self, name: str = "a") -> tuple[Arrival, ...]:
        """What arrived there, in order."""
        return self.arrivals.get(name, ())

    def events(self, name: str = "a") -> tuple[Event[bytes | None], ...]:
        """The events that arrived there, in order."""
        return tuple(arrival.event for arrival in self.at(name) if arrival.event is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One sentence of a specification, or of what the default Broker does, with a check.

    Attributes:
        section: The table that it stands in.
        level: How binding the sentence is.
        sentence: What a Broker does, in a few words; unique in its section.
        source: Where that is written: a word of `SOURCES`.
        want: What is seen of a Broker that does so.
        look: Says what is seen, in the words of `want`.
        triggers: Who listens.
        requests: What is sent, one after the other.
        ping: What fires by itself.
        why: Why somebody does otherwise; empty where all do as the sentence says.
    """

    section: str
    level: Level
    sentence: str
    source: str
    want: str
    look: Callable[[Seen], str]
    triggers: tuple[Trigger, ...] = (Trigger(),)
    requests: tuple[Request, ...] = (Request(),)
    ping: Ping | None = None
    why: str = ""

    @property
    def key(self) -> str:
        """What it is called in files, types, ids and names of objects: the sentence as one word, not too long."""
        word = re.sub(r"[^a-z0-9]+", "-", f"{self.section} {self.sentence}".lower()).strip("-")
        return word if len(word) <= KEY_LIMIT else f"{word[: KEY_LIMIT - 9]}-{zlib.crc32(word.encode()):08x}"

    def own(self, value: Any) -> Any:
        """The same value with the row's key where ``{row}`` stands, however deep."""
        if isinstance(value, str):
            return value.replace("{row}", self.key)
        if isinstance(value, bytes):
            return value.replace(b"{row}", self.key.encode())
        if isinstance(value, dict):
            return {name: self.own(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.own(inner) for inner in value)
        return value

    def is_own(self, event: Event[bytes | None] | None) -> bool:
        """Whether an event that reached one of its Triggers was sent by this row, and not by another one."""
        if event is None or self.ping is not None:
            return True
        return str(event.attributes["id"]).partition("~")[0] == self.key
