"""Calls an ASGI application in this process, without a socket: its lifespan, and events.

What holds here: a request is what a Broker or a worker would send over the wire, and its answer is read by the rules of
`sender`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from patternapp import cloudevents, errors, sender
from patternapp.delivery import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from patternapp.cloudevents import Event

    Message = Mapping[str, Any]

logger = logging.getLogger("patternapp.asgi")
_TAKEN = 202
"""Says "taken, not done": the body of such an answer is no reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application that has started up.

    Attributes:
        app: The ASGI application.
        state: What its lifespan keeps.
        name: What outcomes call it.
        port: The port that it believes to be reached at.
    """

    app: Any
    state: Mapping[str, Any]
    name: str
    port: int

    async def send(self, event: Event[bytes | None], headers: Mapping[str, str] | None = None) -> Outcome:
        """What comes of one event, and its reply."""
        own, body = cloudevents.encode_binary(event)
        return await self._call([("prefer", "reply"), *own, *(headers or {}).items()], body or b"", replies=True)

    async def send_batch(
        self, events: Sequence[Event[bytes | None]], headers: Mapping[str, str] | None = None
    ) -> Outcome:
        """What comes of several events in one request."""
        own, body = cloudevents.encode_batch(events)
        return await self._call([*own, *(headers or {}).items()], body, replies=False)

    async def _call(self, headers: Sequence[tuple[str, str]], body: bytes, *, replies: bool) -> Outcome:
        began = time.monotonic()
        exchange = _Exchange(body)
        try:
            await self.app(self._scope(headers, len(body)), exchange.receive, exchange.send)
        except Exception:
            logger.exception("%s failed", self.name)
            exchange.status = exchange.status or 500
        return exchange.outcome(self.name, replies=replies, seconds=time.monotonic() - began)

    def _scope(self, headers: Sequence[tuple[str, str]], length: int) -> dict[str, Any]:
        sent = [("host", "localhost"), ("content-length", str(length)), *headers]
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
            "server": ("127.0.0.1", self.port),
            "state": dict(self.state),
        }


@contextlib.asynccontextmanager
async def started(app: Any, *, name: str, port: int = 80) -> AsyncIterator[Application]:
    """The application between its start-up and its shut-down, as uvicorn does both.

    Raises:
        EnvironmentProblem: It did not start up.
    """
    config = uvicorn.Config(app, interface="asgi3", log_config=None, log_level="warning", proxy_headers=False)
    config.load()
    lifespan = config.lifespan_class(config)
    await lifespan.startup()
    if lifespan.should_exit:
        raise errors.EnvironmentProblem("the application did not start up; what it raised is above")
    try:
        yield Application(app=app, state=lifespan.state, name=name, port=port)
    finally:
        await lifespan.shutdown()


class _Exchange:
    """One request and its answer, in ASGI's messages."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._gone = asyncio.Event()
        self.status: int | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._content = b""

    async def receive(self) -> Message:
        if self._body is None:
            # The caller waits for the answer, however long it takes.
            await self._gone.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = [(bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            self._content += message.get("body", b"")
            if not message.get("more_body", False):
                self._gone.set()

    def outcome(self, name: str, *, replies: bool, seconds: float) -> Outcome:
        if self.status is None:
            return Outcome(destination=name, error="the application gave no answer", seconds=seconds)
        reply, error = None, None
        if replies and 200 <= self.status < 300:
            reply, error = sender.reply_in(self._headers, self._content)
        wait = dict(self._headers).get(b"retry-after", b"").decode("latin-1")
        return Outcome(
            destination=name,
            code=self.status,
            body=self._content,
            reply=None if self.status == _TAKEN else reply,
            error=error,
            retry_after=float(wait) if wait.isdecimal() and self.status in {429, 503} else None,
            seconds=seconds,
        )
