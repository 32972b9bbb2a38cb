"""Calls what a plan's edge points to: a function of the app, through its pool, or an address outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from patternapp.delivery import Outcome
from patternapp.plan import model
from patternapp.runtime.functions.pool import FunctionUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from patternapp.cloudevents import Event

GONE = 410
"""What calls of a dead-letter sink end with after the app has given it up; not retried."""
EVENT_HEADER = "patternapp-event"
"""Tells a function which event it works on, so that what it prints can be kept with it."""


class Pool(Protocol):
    """Where instances of functions come from: `FunctionPool`, but for tests of apps."""

    def instance(self, name: str, *, event: int | None = None) -> AbstractAsyncContextManager[str]:
        """Hold an instance and give its URL; raises FunctionUnavailable."""
        ...


class Sender(Protocol):
    """How events are sent: `patternapp.sender.Sender`, but for tests of apps."""

    async def send(
        self, url: str, event: Event[bytes | None], *, within: float, headers: Mapping[str, str] | None = None
    ) -> Outcome: ...

    async def send_batch(
        self,
        url: str,
        events: Sequence[Event[bytes | None]],
        *,
        within: float,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome: ...


class Caller:
    """Sends events to heads of edges: keys of functions, or absolute URLs.

    `number` is the event's, where it has one: what the function prints meanwhile is kept with it.
    """

    def __init__(self, plan: model.Plan, *, pool: Pool, sender: Sender) -> None:
        self._functions = {function.key: function for function in plan.nodes_of(model.Function)}
        self._pool = pool
        self._sender = sender

    def capacity(self, head: str) -> int:
        """How many requests the head takes at once at most; 16 for an address outside."""
        function = self._functions.get(head)
        return 16 if function is None else function.max * function.concurrency

    async def call(self, head: str, event: Event[bytes | None], *, number: int | None, within: float) -> Outcome:
        """Send one event in binary mode."""

        async def send(url: str, limit: float) -> Outcome:
            return await self._sender.send(url, event, within=limit, headers=_numbered(number))

        return await self._through(head, send, within=within, number=number)

    async def call_batch(
        self, head: str, events: Sequence[Event[bytes | None]], *, number: int | None, within: float
    ) -> Outcome:
        """Send several events in one request; `number` is the first one's."""

        async def send(url: str, limit: float) -> Outcome:
            return await self._sender.send_batch(url, events, within=limit, headers=_numbered(number))

        return await self._through(head, send, within=within, number=number)

    async def bury(
        self, dead_letter: str | None, event: Event[bytes | None], *, number: int | None, within: float
    ) -> Outcome:
        """Send one event in binary mode to a dead-letter sink; the app may have given that up meanwhile."""
        if dead_letter is None:
            return Outcome(destination="", code=GONE, body=b"the app no longer names a dead-letter sink")
        return await self.call(dead_letter, event, number=number, within=within)

    async def _through(
        self, head: str, send: Callable[[str, float], Awaitable[Outcome]], *, within: float, number: int | None
    ) -> Outcome:
        function = self._functions.get(head)
        if function is None:
            return await send(head, within)
        try:
            async with self._pool.instance(function.name, event=number) as url:
                return await send(url, min(within, function.timeout))
        except FunctionUnavailable as error:
            return Outcome(destination=head, error=str(error))


def _numbered(number: int | None) -> dict[str, str]:
    return {} if number is None else {EVENT_HEADER: str(number)}
