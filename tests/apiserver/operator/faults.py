"""What can go wrong with a request on its way to the API server, and with what a watch tells.

What holds here: an act has a request to itself; it answers it, passes it on, or hangs up.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import harness
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete"}
WRITES = frozenset({*_VERBS.values(), "patch", "apply"})
_OF_ONE_CONNECTION = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})


@dataclass(slots=True)
class Request:
    """One request, in RBAC's words, but that server-side apply has a verb of its own.

    Attributes:
        resource: Such as ``patternapps/status``.
        began: When it came, on the monotonic clock.
        sent: When it was passed on; None while it was not.
        status: What the sender was told; None where it was told nothing.
        ended: When it was over; None while it is not, as a watch for minutes.
    """

    verb: str
    resource: str
    namespace: str
    name: str
    began: float
    group: str = ""
    sent: float | None = None
    status: int | None = None
    ended: float | None = None


def read(request: web.BaseRequest) -> Request:
    """What a request is about."""
    parts = request.path.strip("/").split("/")
    rest = parts[2 if parts[0] == "api" else 3 :]
    namespace = ""
    if rest[0:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource, name, sub = (*rest, "", "", "")[:3]
    verb = _VERBS.get(request.method, "get" if name else "list")
    if request.method == "PATCH":
        verb = "apply" if "apply-patch" in request.content_type else "patch"
    if request.query.get("watch") == "true":
        verb = "watch"
    group = "" if parts[0] == "api" else parts[1] if len(parts) > 1 else ""
    return Request(verb, f"{resource}/{sub}" if sub else resource, namespace, name, time.monotonic(), group)


@dataclass(slots=True)
class Passage:
    """A request on its way through: whoever has it answers it, passes it on, or hangs up."""

    told: Request
    request: web.BaseRequest
    body: bytes
    session: aiohttp.ClientSession
    url: str

    @contextlib.asynccontextmanager
    async def sent(self) -> AsyncIterator[aiohttp.ClientResponse]:
        """The server's answer to it."""
        self.told.sent = time.monotonic()
        headers = {key: value for key, value in self.request.headers.items() if key.lower() not in _OF_ONE_CONNECTION}
        target = f"{self.url}{self.request.raw_path}"
        body = self.body or None  # an empty one would be given a type
        async with self.session.request(self.request.method, target, headers=headers, data=body) as answer:
            yield answer

    async def forward(self) -> web.StreamResponse:
        """Pass it on, and the answer back."""
        async with self.sent() as answer:
            data = await answer.read()
        self.told.status = answer.status
        return web.Response(status=answer.status, body=data, headers=headers(answer))

    def cut(self) -> web.StreamResponse:
        """Hang up."""
        if self.request.transport is not None:
            self.request.transport.abort()
        return web.Response()


Act = Any
"""``Callable[[Passage], Awaitable[web.StreamResponse]]``: what is done with a request instead of passing it on."""


def answering(status: int, *, retry_after: int | None = None) -> Act:
    """The server's refusal."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    text = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": f"injected {status}", "code": status}

    async def act(passage: Passage) -> web.StreamResponse:
        passage.told.status = status
        return web.json_response(text, status=status, headers=headers)

    return act


async def losing_answer(passage: Passage) -> web.StreamResponse:
    """The server does it, and nobody is told."""
    async with passage.sent() as answer:
        await answer.read()
    return passage.cut()


def late(seconds: float) -> Act:
    """The request is passed on after so many seconds."""

    async def act(passage: Passage) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await passage.forward()

    return act


class Hold:
    """Keeps requests, `after` so many, until they are released, so that a test knows how far a replica has come."""

    def __init__(self, *, after: int = 0) -> None:
        self._after = after
        self._came = threading.Event()
        self._released = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        self._loop = asyncio.get_running_loop()
        self._after -= 1
        if self._after < 0:
            self._came.set()
            await self._released.wait()
        return await passage.forward()

    def comes(self, *, within: float) -> bool:
        """Whether a request is held within so many seconds."""
        return self._came.wait(within)

    def wait(self) -> None:
        """Return once a request is held."""
        assert self.comes(within=harness.DEADLINE), "no such request came"

    def release(self) -> None:
        """Pass on what is held."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._released.set)


TEAR, LOSE = "tear", "lose"
ALWAYS = 1_000_000


def headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The headers of an answer that are passed back."""
    return {key: value for key, value in answer.headers.items() if key.lower() not in _OF_ONE_CONNECTION}
