"""Functions in the test's own process: imported when an event first comes for them, called as ASGI applications.

What holds here:

* What goes in and out is what goes over the wire in `dev`: encoded, and judged by the same rules.
* Nothing leaves the process. What is for an address outside is kept, and counts as taken.
* An application is started once before its first event and shut down at the end of the test, as a server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn

from patternapp import cloudevents, sender
from patternapp.delivery import Outcome
from patternapp.receiver import server
from patternapp.runtime.functions.model import FunctionUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
    from pathlib import Path

    from patternapp.cloudevents import Event
    from patternapp.plan import model

_log = logging.getLogger("patternapp.testing")


@dataclass(frozen=True, slots=True)
class Sent:
    """An event for an address outside of the app."""

    url: str
    event: Event[bytes | None]


@dataclass(slots=True)
class _Started:
    """An application between its start-up and its shut-down."""

    app: Any
    lifespan: Any


class InProcess:
    """The functions of a plan, as `eventing.caller` wants its pool and its sender to be.

    Attributes:
        sent: What went to addresses outside, in order.
    """

    def __init__(self, functions: Sequence[model.Function], *, folder: Path) -> None:
        self._functions = {function.name: function for function in functions}
        self._folder = folder
        self._started: dict[str, _Started] = {}
        self._starting = asyncio.Lock()
        self.sent: list[Sent] = []

    @contextlib.asynccontextmanager
    async def instance(self, name: str, *, event: int | None = None) -> AsyncIterator[str]:  # noqa: ARG002 - the protocol
        """Import and start the function where it is not yet; gives its URL. Raises FunctionUnavailable."""
        url = f"http://{name}"
        async with self._starting:
            if url not in self._started:
                self._started[url] = await self._start(name)
        yield url

    async def _start(self, name: str) -> _Started:
        handler = self._functions[name].handler
        if handler is None:
            raise FunctionUnavailable(name, "it is a command; tests of an app run the handlers of Python functions")
        try:
            app = server.load(handler, folder=self._folder)
        except server.TargetError as error:
            raise FunctionUnavailable(name, str(error)) from error
        config = uvicorn.Config(app, interface="asgi3", log_config=None)
        config.load()
        lifespan = config.lifespan_class(config)
        await lifespan.startup()
        if lifespan.should_exit:
            raise FunctionUnavailable(name, "it did not start up")
        return _Started(app, lifespan)

    async def close(self) -> None:
        """Shut the applications down."""
        for started in self._started.values():
            await started.lifespan.shutdown()

    async def send(
        self, url: str, event: Event[bytes | None], *, within: float, headers: Mapping[str, str] | None = None
    ) -> Outcome:
        """What came of one event; an address outside takes it."""
        if url not in self._started:
            self.sent.append(Sent(url, event))
            return Outcome(destination=url, code=202)
        own, body = cloudevents.encode_binary(event)
        head = [*own, ("prefer", "reply"), *(headers or {}).items()]
        return await self._call(url, _Exchange(head, body or b""), within=within, replies=True)

    async def send_batch(
        self,
        url: str,
        events: Sequence[Event[bytes | None]],
        *,
        within: float,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        """What came of several events in one request."""
        own, body = cloudevents.encode_batch(events)
        exchange = _Exchange([*own, *(headers or {}).items()], body)
        return await self._call(url, exchange, within=within, replies=False)

    async def _call(self, url: str, exchange: _Exchange, *, within: float, replies: bool) -> Outcome:
        began = time.monotonic()
        started = self._started[url]
        try:
            async with asyncio.timeout(within):
                await started.app(exchange.scope(started.lifespan.state), exchange.receive, exchange.send)
        except TimeoutError:
            return Outcome(destination=url, error=f"no answer within {within:g} s", seconds=time.monotonic() - began)
        except Exception:  # noqa: BLE001 - whatever it raises, a server answers 500 and logs it
            _log.exception("%s failed", url)
            exchange.status = exchange.status or 500
        return exchange.outcome(url, replies=replies, seconds=time.monotonic() - began)


@dataclass(slots=True)
class _Exchange:
    """One request to an ASGI application, and its answer."""

    head: list[tuple[str, str]]
    body: bytes
    status: int | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    content: bytes = b""
    asked: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def scope(self, state: Mapping[str, Any]) -> dict[str, Any]:
        sent = [("host", "localhost"), ("content-length", str(len(self.body))), *self.head]
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in sent],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 80),
            "state": dict(state),
        }

    async def receive(self) -> MutableMapping[str, Any]:
        if self.asked:
            await self.answered.wait()
            return {"type": "http.disconnect"}
        self.asked = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            self.content += message.get("body", b"")
            if not message.get("more_body", False):
                self.answered.set()

    def outcome(self, url: str, *, replies: bool, seconds: float) -> Outcome:
        if self.status is None:
            return Outcome(destination=url, error="no answer", seconds=seconds)
        reply, error = None, None
        if replies and 200 <= self.status < 300:
            reply, error = sender.reply_in(self.headers, self.content)
        wait = dict(self.headers).get(b"retry-after", b"").decode("latin-1")
        return Outcome(
            destination=url,
            code=self.status,
            body=self.content,
            reply=None if self.status == 202 else reply,  # 202 says "taken, not done": its body is no reply
            error=error,
            retry_after=float(wait) if wait.isdecimal() and self.status in {429, 503} else None,
            seconds=seconds,
        )
