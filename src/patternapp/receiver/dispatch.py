"""Which handler an event goes to, and what came of it.

What holds here: one event's failure never touches another's; a batch is handled in order, handler by handler.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from patternapp.receiver import context, outcomes, replies
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
    """

    def __init__(self, *, source: str) -> None:
        self.source = source
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
        """Handle one event and return its reply; raises what `answers.failed` has an answer for."""
        handler = self._find(event, (self._single, self._batched))
        context.enter(event)
        if handler.batched:
            for failed in await self._together(handler, [event]):
                raise failed.error
            return None
        try:
            value = await handler.handle(event)
            return replies.reply_event(value, to=event, handler=handler, source=self.source)
        except (Reject, Retry):
            raise
        except asyncio.CancelledError:
            _log_abandoned(handler, [event])
            raise
        except Exception as error:
            _log_failure(handler, [event], error)
            raise

    async def deliver_batch(self, events: Iterable[Wire]) -> tuple[batches.Failure, ...]:
        """Handle events of any types and return those that failed. A handler of single events gets one by one."""
        failed: list[Failed] = []
        groups: dict[int, tuple[Handler, list[Wire]]] = {}
        for event in events:
            try:
                handler = self._find(event, (self._batched, self._single))
            except Reject as error:
                failed.append(Failed(event, error))
            else:
                groups.setdefault(id(handler), (handler, []))[1].append(event)
        for handler, group in groups.values():
            failed += await (self._together if handler.batched else self._one_by_one)(handler, group)
        return tuple(outcomes.failure(one.event, one.error, together=one.together) for one in failed)

    def _find(self, event: Wire, tables: tuple[dict[str, Handler], ...]) -> Handler:
        type_ = str(event.attributes["type"])
        for key in (type_, ANY):
            for table in tables:
                if key in table:
                    return table[key]
        raise Reject(f"type: no handler takes {type_}")

    async def _together(self, handler: Handler, events: list[Wire]) -> list[Failed]:
        failed: list[Failed] = []
        readable: list[Event[Any]] = []
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
            _log_abandoned(handler, readable)
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the worker is told event by event
            if not isinstance(error, Reject | Retry):
                _log_failure(handler, readable, error)
            return failed + [Failed(event, error, together=len(readable) > 1) for event in readable]

    async def _one_by_one(self, handler: Handler, events: list[Wire]) -> list[Failed]:
        failed: list[Failed] = []
        for event in events:
            try:
                if await self.deliver(event) is not None:
                    raise Reject(f"{handler.name} gave a reply, which the answer to a batch cannot carry")  # noqa: TRY301 - one way for every failure
            except Exception as error:  # noqa: BLE001 - as above; `deliver` logged it
                failed.append(Failed(event, error))
        return failed


def _named(handler: Handler, result: object) -> list[Failed]:
    if result is None:
        return []
    if not isinstance(result, Failures):
        raise TypeError(f"{handler.name} returned {type(result).__name__}; a batch handler returns Failures or None")
    return [Failed(event, error) for event, error in result.events]


def _log_failure(handler: Handler, events: list[Event[Any]], error: Exception) -> None:
    logger.error("%s failed on %s", handler.name, _named_events(events), exc_info=error)


def _log_abandoned(handler: Handler, events: list[Event[Any]]) -> None:
    logger.error("%s was abandoned on %s: the function had to stop", handler.name, _named_events(events))


def _named_events(events: list[Event[Any]]) -> str:
    first = events[0].attributes
    more = f" and {len(events) - 1} more" if len(events) > 1 else ""
    return f"event {first['id']} from {first['source']}{more}"
