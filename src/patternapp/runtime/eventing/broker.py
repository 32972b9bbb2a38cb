"""The embedded Broker: decides who wants an event and has it kept before anybody is told that it was accepted.

What holds here:

* An event is accepted once: one row, and one delivery for every trigger, queue and stream that matches.
* ``knativebrokerttl`` bounds loops: 255 passes at first, one less for each reply, refused at 0. It is kept beside
  the event; subscribers never see it (knative/eventing ``pkg/broker/ttl.go``).
* Partitions follow the extension ``partitionkey``; without one, events are spread evenly.
"""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING

from patternapp import errors, filters
from patternapp.cloudevents import Event
from patternapp.plan import model
from patternapp.runtime.store.records import Acceptance, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patternapp.runtime.bells import Bells
    from patternapp.runtime.clock import Clock
    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import Lease

TTL = "knativebrokerttl"
FIRST_TTL = 255
PARTITIONS = 4
"""Partitions of every queue and stream in `dev`."""


class LoopError(errors.PatternAppError):
    """The event has passed the Broker as often as it may."""


class Broker:
    """The Broker of one plan.

    Args:
        plan: Who wants which events.
        store: Where they are kept.
        bells: Whom to wake.
        clock: What time it is.
        elsewhere: Whether topics are in a real Kafka: what is appended to one then waits for its hand-over.

    Attributes:
        receivers: The keys under which deliveries are made: of triggers, streams and topics.
    """

    def __init__(self, plan: model.Plan, *, store: Store, bells: Bells, clock: Clock, elsewhere: bool = False) -> None:
        self._store = store
        self._bells = bells
        self._clock = clock
        partitioned = {node.key for node in plan.nodes if isinstance(node, model.Queue | model.Stream)}
        self._triggers = tuple(
            (trigger.key, filters.compile(trigger.filters), trigger.head in partitioned)
            for trigger in plan.edges_of(model.Trigger)
        )
        self._topics: dict[str, list[str]] = {}
        for stream in plan.nodes_of(model.Stream):
            for topic in stream.kafka.topics:
                self._topics.setdefault(topic, []).append(stream.key)
        if elsewhere:
            self._topics = {topic: [f"topic/{topic}"] for topic in self._topics}
        self.receivers = tuple(
            dict.fromkeys((*plan.receivers(), *itertools.chain.from_iterable(self._topics.values())))
        )
        self._spread = itertools.count()

    @property
    def topics(self) -> frozenset[str]:
        """The topics that streams of the app read."""
        return frozenset(self._topics)

    async def publish(
        self, event: Event[bytes | None], *, origin: str, bookmark: tuple[str, str | None] | None = None
    ) -> int:
        """Accept an event; its number is returned once it is on the disk.

        Raises:
            LoopError: Its ``knativebrokerttl`` is used up.
            StoreError: It could not be kept, and nothing of it was.
        """
        return (await self._keep([self._acceptance(event, ttl=_ttl(event), origin=origin, bookmark=bookmark)]))[0]

    async def publish_batch(self, events: Iterable[Event[bytes | None]], *, origin: str) -> list[int]:
        """Accept all of these events or none of them; raises as `publish` does."""
        return await self._keep([self._acceptance(event, ttl=_ttl(event), origin=origin) for event in events])

    async def append_batch(self, topic: str, events: Iterable[Event[bytes | None]]) -> list[int]:
        """Append events to a topic that streams of the app read: all of them or none. Raises StoreError."""
        acceptances = [
            Acceptance(
                event=_plain(event),
                targets=tuple(Target(edge, self._partition(event)) for edge in self._topics[topic]),
                ttl=FIRST_TTL,
                at=self._clock.now(),
                origin=f"topic/{topic}",
            )
            for event in events
        ]
        return await self._keep(acceptances)

    def reply(self, lease: Lease, event: Event[bytes | None], *, origin: str) -> Acceptance:
        """A subscriber's reply, to be kept in the transaction that settles the delivery.

        Raises:
            LoopError: The passes through the Broker are used up: the app answers itself in a circle.
        """
        return self._acceptance(event, ttl=lease.ttl - 1, origin=origin, cause=lease.seq)

    def ring(self, acceptance: Acceptance) -> None:
        """Wake whoever delivers what was accepted."""
        for target in acceptance.targets:
            self._bells.of(target.edge).ring()

    async def _keep(self, acceptances: list[Acceptance]) -> list[int]:
        seqs = await self._store.write(lambda writes: [writes.accept(acceptance) for acceptance in acceptances])
        for acceptance in acceptances:
            self.ring(acceptance)
        return seqs

    def _acceptance(
        self,
        event: Event[bytes | None],
        *,
        ttl: int,
        origin: str,
        cause: int | None = None,
        bookmark: tuple[str, str | None] | None = None,
    ) -> Acceptance:
        if ttl <= 0:
            raise LoopError(f"{TTL} is used up: the event went through the Broker {FIRST_TTL} times, in a circle")
        plain = _plain(event)
        return Acceptance(
            event=plain,
            targets=self._targets(plain),
            ttl=ttl,
            at=self._clock.now(),
            origin=origin,
            cause=cause,
            bookmark=bookmark,
        )

    def _targets(self, event: Event[bytes | None]) -> tuple[Target, ...]:
        return tuple(
            Target(edge, self._partition(event) if partitioned else 0)
            for edge, matches, partitioned in self._triggers
            if matches(event.attributes)
        )

    def _partition(self, event: Event[bytes | None]) -> int:
        key = event.attributes.get("partitionkey")
        number = next(self._spread) if key is None else zlib.crc32(str(key).encode())
        return number % PARTITIONS


def _plain(event: Event[bytes | None]) -> Event[bytes | None]:
    """The event without the Broker's own extension."""
    return Event({name: value for name, value in event.attributes.items() if name != TTL}, event.data)


def _ttl(event: Event[bytes | None]) -> int:
    """Passes left after this one: absent or unreadable begins anew, present costs one."""
    try:
        ttl = int(event.attributes[TTL])
    except (KeyError, ValueError):
        return FIRST_TTL
    # An integer of CloudEvents has 32 bits; what is longer, in a header, is no integer.
    return ttl - 1 if -(2**31) <= ttl < 2**31 else FIRST_TTL
