"""Functions in the test's own process: imported when an event first comes for them, called as ASGI applications.

What holds here:

* What goes in and out is what goes over the wire in `dev`: encoded, and judged by the same rules.
* Nothing leaves the process. What is for an address outside is kept, and counts as taken.
* An application is started once before its first event and shut down at the end of the test, as a server does.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp.delivery import Outcome
from patternapp.receiver import server
from patternapp.runtime import asgi
from patternapp.runtime.functions.model import FunctionUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
    from pathlib import Path

    from patternapp.cloudevents import Event
    from patternapp.plan import model
    from patternapp.runtime.asgi import Application


@dataclass(frozen=True, slots=True)
class Sent:
    """An event for an address outside of the app."""

    url: str
    event: Event[bytes | None]


class InProcess:
    """The functions of a plan, as `eventing.caller` wants its pool and its sender to be.

    Attributes:
        sent: What went to addresses outside, in order.
    """

    def __init__(self, functions: Sequence[model.Function], *, folder: Path) -> None:
        self._functions = {function.name: function for function in functions}
        self._folder = folder
        self._started: dict[str, Application] = {}
        self._starting = asyncio.Lock()
        self._stack = contextlib.AsyncExitStack()
        self.sent: list[Sent] = []

    @contextlib.asynccontextmanager
    async def instance(self, name: str, *, event: int | None = None) -> AsyncIterator[str]:  # noqa: ARG002 - the protocol
        """Import and start the function where it is not yet; gives its URL. Raises FunctionUnavailable."""
        url = f"http://{name}"
        async with self._starting:
            if url not in self._started:
                self._started[url] = await self._start(name, url)
        yield url

    async def _start(self, name: str, url: str) -> Application:
        handler = self._functions[name].handler
        if handler is None:
            raise FunctionUnavailable(name, "it is a command; tests of an app run the handlers of Python functions")
        try:
            app = server.load(handler, folder=self._folder)
            return await self._stack.enter_async_context(asgi.started(app, name=url))
        except (server.TargetError, errors.EnvironmentProblem) as error:
            raise FunctionUnavailable(name, str(error)) from error

    async def close(self) -> None:
        """Shut the applications down."""
        await self._stack.aclose()

    async def send(
        self, url: str, event: Event[bytes | None], *, within: float, headers: Mapping[str, str] | None = None
    ) -> Outcome:
        """What came of one event; an address outside takes it."""
        if url not in self._started:
            self.sent.append(Sent(url, event))
            return Outcome(destination=url, code=202)
        return await _within(within, url, self._started[url].send(event, headers))

    async def send_batch(
        self,
        url: str,
        events: Sequence[Event[bytes | None]],
        *,
        within: float,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        """What came of several events in one request."""
        return await _within(within, url, self._started[url].send_batch(events, headers))


async def _within(seconds: float, url: str, outcome: Coroutine[None, None, Outcome]) -> Outcome:
    try:
        async with asyncio.timeout(seconds):
            return await outcome
    except TimeoutError:
        return Outcome(destination=url, error=f"no answer within {seconds:g} s", seconds=seconds)
