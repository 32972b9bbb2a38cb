"""What the fixtures give: the Broker of an app, its clock, its dead letters, and events to begin with.

What holds here: everything returns once nothing more happens at that time. Time passes in `Clock` and `Broker.settle`.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, overload

import pydantic_core

from patternapp import durations
from patternapp.cloudevents import Event
from patternapp.plan import model
from patternapp.runtime.clock import rfc3339
from patternapp.testing.virtual import START

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from patternapp.runtime.store.records import Ledger
    from patternapp.testing.embedded import Embedded
    from patternapp.testing.inprocess import Sent

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that failed for good.

    Attributes:
        delivery: Its number.
        event: The event's number, for `Broker.timeline`.
        id: The event's id.
        type: The event's type.
        edge: Whom it was for, such as ``fan-out/order-placed/email``.
        reason: Why it failed.
        code: The last answer's status; None where there was none.
        attempts: How often it was tried.
    """

    delivery: int
    event: int
    id: str
    type: str
    edge: str
    reason: str
    code: int | None
    attempts: int


class Broker:
    """The app's Broker, with everything behind it that `patternapp dev` has."""

    def __init__(self, app: Embedded) -> None:
        self._app = app

    def publish(self, event: Event[bytes | None], *, entry: str | None = None) -> int:
        """Publish an event and deliver it as far as it goes without waiting; its number is returned.

        Args:
            event: What to publish.
            entry: The entry of `eventDriven` that has a source, where the event comes from that.
        """
        sent = event if entry is None else self._from_source(event, entry)
        return self._do(self._app.engine.broker.publish(sent, origin="test"))

    def append(self, topic: str, *events: Event[bytes | None]) -> list[int]:
        """Append events to a topic that streams of the app read; their numbers are returned."""
        if topic not in self._app.engine.broker.topics:
            known = ", ".join(sorted(self._app.engine.broker.topics)) or "none"
            raise LookupError(f"no stream of the app reads the topic {topic!r}; topics: {known}")
        return self._do(self._app.engine.broker.append_batch(topic, events))

    def settle(self) -> Ledger:
        """Let as much time pass as every delivery takes to end, its retries included; the ledger is returned."""
        self._app.run(self._app.settle())
        return self.ledger

    @property
    def ledger(self) -> Ledger:
        """Where every event went."""
        return self._app.run(self._app.engine.store.read(lambda reads: reads.ledger()))

    @property
    def sent(self) -> tuple[Sent, ...]:
        """What was for addresses outside of the app, oldest first. It counts as delivered, and went nowhere."""
        return tuple(self._app.functions.sent)

    def published(self, type_: str) -> list[Event[bytes | None]]:
        """The events of a type that were accepted, oldest first: published, replied, or fired by a schedule."""
        query = "SELECT attributes, data FROM events WHERE type = ? ORDER BY seq"
        rows: list[Any] = self._app.run(
            self._app.engine.store.read(lambda reads: reads.connection.execute(query, (type_,)).fetchall())
        )
        return [Event(json.loads(attributes), data) for attributes, data in rows]

    def timeline(self, number: int) -> dict[str, Any]:
        """An event with every attempt at every delivery and its replies, as ``GET /api/events/SEQ`` gives it."""
        known = self._app.run(self._app.engine.store.read(lambda reads: reads.event(number)))
        if known is None:
            raise LookupError(f"there is no event {number}")
        return known

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        async def until_quiet() -> T:
            result = await work
            await self._app.quiet()
            return result

        return self._app.run(until_quiet())

    def _from_source(self, event: Event[bytes | None], entry: str) -> Event[bytes | None]:
        markers = {source.name: source.marker for source in self._app.plan.nodes_of(model.Source)}
        if entry not in markers:
            raise LookupError(f"no entry {entry!r} has a source; those that have one: {', '.join(markers) or 'none'}")
        return Event({**event.attributes, model.SOURCE_ATTRIBUTE: markers[entry]}, event.data)


class Clock:
    """The app's time: it begins at 2026-01-01T00:00:00Z and passes only here and in `Broker.settle`."""

    def __init__(self, app: Embedded) -> None:
        self._app = app

    @property
    def now(self) -> datetime:
        """What time it is, in UTC."""
        return datetime.fromtimestamp(self._app.clock.now(), UTC)

    def advance(self, duration: str | timedelta) -> None:
        """Let time pass, such as ``"1h30m"``; retries, batches and schedules that come due happen, each at its time."""
        seconds = durations.seconds(duration) if isinstance(duration, str) else duration.total_seconds()
        self._app.run(self._app.pass_until(self._app.clock.now() + seconds))

    def advance_to(self, instant: datetime) -> None:
        """The same, until an instant that is still to come."""
        if instant <= self.now:
            raise ValueError(f"{instant.isoformat()} is not after {self.now.isoformat()}, and time does not go back")
        self._app.run(self._app.pass_until(instant.timestamp()))


class DeadLetters(Sequence[DeadLetter]):
    """The app's dead letters as they are now, oldest first."""

    def __init__(self, app: Embedded) -> None:
        self._app = app

    def _now(self) -> list[DeadLetter]:
        names = [field.name for field in dataclasses.fields(DeadLetter)]
        rows = self._app.run(self._app.engine.store.read(lambda reads: reads.dead_letters()))
        return [DeadLetter(**{name: row[name] for name in names}) for row in rows]

    def __len__(self) -> int:
        return len(self._now())

    @overload
    def __getitem__(self, index: int) -> DeadLetter: ...

    @overload
    def __getitem__(self, index: slice) -> list[DeadLetter]: ...

    def __getitem__(self, index: int | slice) -> DeadLetter | list[DeadLetter]:
        return self._now()[index]

    def __repr__(self) -> str:
        return repr(self._now())

    def redrive(self) -> int:
        """Deliver all of them again, each alone, as far as that goes without waiting; their number is returned."""
        engine, edges = self._app.engine, self._app.plan.receivers()

        async def redrive() -> int:
            redriven = await engine.store.write(lambda writes: writes.redrive(None, edges, now=engine.clock.now()))
            for edge in set(redriven):
                engine.bells.of(edge).ring()
            await self._app.quiet()
            return len(redriven)

        return self._app.run(redrive())


class SampleEvents:
    """Makes events: ``sample_event("shop.order.placed", order)``. Their ids differ from test to test."""

    def __init__(self, test: str) -> None:
        self._namespace = uuid.uuid5(uuid.NAMESPACE_URL, f"https://patternapp.dev/samples/{test}")
        self._numbers = itertools.count(1)

    def __call__(self, type_: str, data: object = None, **attributes: str | int | bool) -> Event[bytes | None]:
        """An event of this type.

        Args:
            type_: The type.
            data: Bytes as they are; anything else, pydantic models too, as JSON; None for no data.
            **attributes: Attributes that replace the usual ones, and extensions.
        """
        known: dict[str, str | int | bool] = {
            "specversion": "1.0",
            "id": str(uuid.uuid5(self._namespace, str(next(self._numbers)))),
            "source": "/samples",
            "type": type_,
            "time": rfc3339(START),
        }
        if data is None or isinstance(data, bytes):
            return Event({**known, **attributes}, data)
        known["datacontenttype"] = "application/json"
        return Event({**known, **attributes}, pydantic_core.to_json(data))
