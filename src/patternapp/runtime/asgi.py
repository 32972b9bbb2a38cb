"""Calls an ASGI application in this process, without a socket: its lifespan, and one event.

What holds here: the event comes as a Broker would deliver it, and its answer is read by the rules of `sender`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import uvicorn

from patternapp import cloudevents, errors, sender
from patternapp.delivery import Outcome
from patternapp.receiver import server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from patternapp.cloudevents import Event

    Message = Mapping[str, Any]

logger = logging.getLogger("patternapp.asgi")

HERE = "job:{}"
"""What outcomes call the application, with the name of the Pod that it runs in."""


@contextlib.asynccontextmanager
async def started(app: Any) -> AsyncIterator[dict[str, Any]]:
    """The application between its start-up and its shut-down, as uvicorn does both; gives its lifespan's state."""
    config = uvicorn.Config(app, interface="asgi3", log_config=None, log_level="warning", proxy_headers=False)
    config.load()
    lifespan = config.lifespan_class(config)
    await lifespan.startup()
    if lifespan.should_exit:
        raise errors.EnvironmentProblem("the application did not start up; what it raised is above")
    try:
        yield lifespan.state
    finally:
        await lifespan.shutdown()


async def answer(app: Any, event: Event[bytes | None], state: dict[str, Any]) -> Outcome:
    """The outcome of one request to a started application."""
    began = time.monotonic()
    headers, body = cloudevents.encode_binary(event)
    exchange = _Exchange(body or b"")
    try:
        await app(_scope(headers, state), exchange.receive, exchange.send)
    except Exception:
        logger.exception("the application failed on event %s", event.attributes["id"])
        exchange.status = exchange.status or 500
    return exchange.outcome(seconds=time.monotonic() - began)


def _scope(headers: list[tuple[str, str]], state: dict[str, Any]) -> dict[str, Any]:
    """The ASGI scope of the request that a Broker would make."""
    sent = [("host", "localhost"), ("prefer", "reply"), *headers]
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
        "server": ("127.0.0.1", int(os.environ.get("PORT", server.DEFAULT_PORT))),
        "state": dict(state),
    }


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

    def outcome(self, *, seconds: float) -> Outcome:
        if self.status is None:
            return Outcome(
                destination=HERE.format(socket.gethostname()), error="the application gave no answer", seconds=seconds
            )
        reply, error = None, None
        if 200 <= self.status < 300:
            reply, error = sender.reply_in(self._headers, self._content)
        return Outcome(
            destination=HERE.format(socket.gethostname()),
            code=self.status,
            body=self._content,
            # A 202 says "taken, not done": its body is no reply.
            reply=None if self.status == 202 else reply,
            error=error,
            seconds=seconds,
        )
