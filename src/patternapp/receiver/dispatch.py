"""Which handler an event goes to, and what came of it.

What holds here: one event's failure never touches another's; a batch is handled in order, handler by handler.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from patternapp.receiver import outcomes, replies
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


class Dispatch:
    """The handlers of a receiver.

    Attributes:
        source: The source of the events that replies become.
    """

    def __init__(self, *, source: str) -> None:
        self.source = source
        self._single: dict[str, Handler] = {}
        self._batched: dict[str, Handler] = {}

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
        if handler.batched:
            for _, error in await self._together(handler, [event]):
                raise error
            return None
        try:
            value = await handler.handle(event)
            return replies.reply_event(value, to=event, handler=handler, source=self.source)
        except (Reject, Retry):
            raise
        except Exception as error:
            _log_failure(handler, [event], error)
            raise

    async def deliver_batch(self, events: Iterable[Wire]) -> tuple[batches.Failure, ...]:
        """Handle events of any types and return those that failed. A handler of single events gets one by one."""
        failed: list[tuple[Event[Any], Exception]] = []
        groups: dict[int, tuple[Handler, list[Wire]]] = {}
        for event in events:
            try:
                handler = self._find(event, (self._batched, self._single))
            except Reject as error:
                failed.append((event, error))
            else:
                groups.setdefault(id(handler), (handler, []))[1].append(event)
        for handler, group in groups.values():
            failed += await (self._together if handler.batched else self._one_by_one)(handler, group)
        return tuple(outcomes.failure(event, error) for event, error in failed)

    def _find(self, event: Wire, tables: tuple[dict[str, Handler], ...]) -> Handler:
        type_ = str(event.attributes["type"])
        for key in (type_, ANY):
            for table in tables:
                if key in table:
                    return table[key]
        raise Reject(f"type: no handler takes {type_}")

    async def _together(self, handler: Handler, events: list[Wire]) -> list[tuple[Event[Any], Exception]]:
        failed: list[tuple[Event[Any], Exception]] = []
        readable: list[Event[Any]] = []
        for event in events:
            try:
                readable.append(handler.read_item(event))
            except Reject as error:
                failed.append((event, error))
        if not readable:
            return failed
        try:
            result = await handler.handle_batch(readable)
            return failed + _named(handler, result)
        except (Reject, Retry) as error:
            return failed + [(event, error) for event in readable]
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the worker is told event by event
            _log_failure(handler, readable, error)
            return failed + [(event, error) for event in readable]

    async def _one_by_one(self, handler: Handler, events: list[Wire]) -> list[tuple[Event[Any], Exception]]:
        failed: list[tuple[Event[Any], Exception]] = []
        for event in events:
            try:
                if await self.deliver(event) is not None:
                    raise Reject(f"{handler.name} gave a reply, which the answer to a batch cannot carry")  # noqa: TRY301 - one way for every failure
            except Exception as error:  # noqa: BLE001 - as above; `deliver` logged it
                failed.append((event, error))
        return failed


def _named(handler: Handler, result: object) -> list[tuple[Event[Any], Exception]]:
    if result is None:
        return []
    if not isinstance(result, Failures):
        raise TypeError(f"{handler.name} returned {type(result).__name__}; a batch handler returns Failures or None")
    return list(result.events)


def _log_failure(handler: Handler, events: list[Event[Any]], error: Exception) -> None:
    first = events[0].attributes
    more = f" and {len(events) - 1} more" if len(events) > 1 else ""
    logger.error("%s failed on event %s from %s%s", handler.name, first["id"], first["source"], more, exc_info=error)
