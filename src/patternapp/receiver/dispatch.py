"""Which handler an event goes to, and what came of it.

What holds here: one event's failure never touches another's; a batch is handled in order, handler by handler, and what
of it had no turn in time fails with all that had none.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from patternapp.receiver import context, outcomes, replies
from patternapp.receiver.deadline import Deadline, TimedOut
from patternapp.receiver.outcomes import Failures, Reject, Retry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patternapp import batches
    from patternapp.cloudevents import Event
    from patternapp.receiver.handlers import Handler
    from patternapp.receiver.readers import Wire

logger = logging.getLogger("patternapp.receiver")

ANY = "*"
"""Stands for every type that has no handler of its own."""


class Failed(NamedTuple):
    """An event of a batch that was not done; `together` where the handler failed on several at once."""

    event: Event[Any]
    error: Exception
    together: bool = False


class Dispatch:
    """The handlers of a receiver.

    Attributes:
        source: The source of the events that replies become.
        deadline: How long one request may be handled.
    """

    def __init__(self, *, source: str) -> None:
        self.source = source
        self.deadline = Deadline()
        self._single: dict[str, Handler] = {}
        self._batched: dict[str, Handler] = {}

    @property
    def handlers(self) -> dict[str, Handler]:
        """Who takes a single event of each type; `ANY` is the last of them."""
        found = {**self._batched, **self._single}
        return dict(sorted(found.items(), key=lambda entry: (entry[0] == ANY, entry[0])))

    @property
    def types(self) -> frozenset[str]:
        """The types of events that have a handler of their own."""
        return frozenset({*self._single, *self._batched} - {ANY})

    def add(self, type_: str, handler: Handler) -> None:
        """Send events of this type to this handler.

        Raises:
            ValueError: They have such a handler already.
        """
        table = self._batched if handler.batched else self._single
        if type_ in table:
            raise ValueError(f"{handler.name}: events of the type {type_} go to {table[type_].name} already")
        table[type_] = handler

    async def deliver(self, event: Wire) -> Event[bytes | None] | None:
        """Handle one event and return its reply; raises what handling raises, and `TimedOut`."""
        task = self.deadline.begin()
        try:
            return await self._deliver(event)
        finally:
            self.deadline.end(task)

    async def _deliver(self, event: Wire) -> Event[bytes | None] | None:
        handler = self._find(event, self._single, self._batched)
        context.enter(event)
        if handler.batched:
            for failed in await self._together(handler, [event]):
                raise failed.error
            return None
        try:
            value = await handler.handle(event)
            if value is None:
                return None
            return replies.reply_event(value, to=event, handler=handler, source=self.source)
        except (Reject, Retry):
            raise
        except asyncio.CancelledError as error:
            raise self._abandoned(handler, [event]) or error from None
        except Exception as error:
            _log_failure(handler, [event], error)
            raise

    async def deliver_batch(self, events: Iterable[Wire]) -> tuple[batches.Failure, ...]:
        """Handle events of any types and return those that failed. A handler of single events gets one by one."""
        failed: list[Failed] = []
        groups: dict[int, tuple[Handler, list[Wire]]] = {}
        for event in events:
            try:
                handler = self._find(event, self._batched, self._single)
            except Reject as error:
                failed.append(Failed(event, error))
            else:
                groups.setdefault(id(handler), (handler, []))[1].append(event)
        task = self.deadline.begin()
        try:
            for handler, group in groups.values():
                failed += await (self._together if handler.batched else self._one_by_one)(handler, group)
        finally:
            self.deadline.end(task)
        return tuple(outcomes.failure(one.event, one.error, together=one.together) for one in failed)

    def _find(self, event: Wire, first: dict[str, Handler], second: dict[str, Handler]) -> Handler:
        type_ = str(event.attributes["type"])
        found = first.get(type_) or second.get(type_) or first.get(ANY) or second.get(ANY)
        if found is not None:
            return found
        raise Reject(f"type: no handler takes {type_}")

    async def _together(self, handler: Handler, events: list[Wire]) -> list[Failed]:
        failed: list[Failed] = []
        readable: list[Event[Any]] = []
        if self.deadline.passed:
            return self._without_turn(events)
        for event in events:
            try:
                readable.append(handler.read_item(event))
            except Reject as error:
                failed.append(Failed(event, error))
        if not readable:
            return failed
        context.events.set(tuple(readable))
        try:
            result = await handler.handle_batch(readable)
            return failed + _named(handler, result)
        except asyncio.CancelledError:
            if (late := self._abandoned(handler, readable)) is None:
                raise
            return failed + [Failed(event, late, together=len(readable) > 1) for event in readable]
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the worker is told event by event
            if not isinstance(error, Reject | Retry):
                _log_failure(handler, readable, error)
            return failed + [Failed(event, error, together=len(readable) > 1) for event in readable]

    async def _one_by_one(self, handler: Handler, events: list[Wire]) -> list[Failed]:
        failed: list[Failed] = []
        for number, event in enumerate(events):
            if self.deadline.passed:
                return failed + self._without_turn(events[number:])
            try:
                if await self._deliver(event) is not None:
                    raise Reject(f"{handler.name} gave a reply, which the answer to a batch cannot carry")  # noqa: TRY301 - one way for every failure
            except Exception as error:  # noqa: BLE001 - as above; `_deliver` logged it
                failed.append(Failed(event, error))
        return failed

    def _without_turn(self, events: list[Wire]) -> list[Failed]:
        late = TimedOut(f"those before it in its batch took longer than {self.deadline.seconds:g} s")
        return [Failed(event, late, together=True) for event in events]

    def _abandoned(self, handler: Handler, events: list[Event[Any]]) -> TimedOut | None:
        """Log it; the error where the reason is that time was up."""
        late = TimedOut(f"it took longer than {self.deadline.seconds:g} s") if self.deadline.passed else None
        why = "the function had to stop" if late is None else late
        logger.error("%s was abandoned on %s: %s", handler.name, _named_events(events), why)
        return late


def _named(handler: Handler, result: object) -> list[Failed]:
    if result is None:
        return []
    if not isinstance(result, Failures):
        raise TypeError(f"{handler.name} returned {type(result).__name__}; a batch handler returns Failures or None")
    return [Failed(event, error) for event, error in result.events]


def _log_failure(handler: Handler, events: list[Event[Any]], error: Exception) -> None:
    logger.error("%s failed on %s", handler.name, _named_events(events), exc_info=error)


def _named_events(events: list[Event[Any]]) -> str:
    first = events[0].attributes
    more = f" and {len(events) - 1} more" if len(events) > 1 else ""
    return f"event {first['id']} from {first['source']}{more}"
