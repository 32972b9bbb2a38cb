"""A reverse proxy of one ASGI request, by aiohttp.

What holds here:

* Bodies are streamed both ways and never decoded; only small ones are handed over whole, which is faster.
* Headers go through as they came, doubled ones too, except those that concern one connection (RFC 9110 section 7.6.1).
* Redirects are the caller's affair. A client that leaves takes its upstream request with it.
* Before the answer began, a failure is 502 or 504; after that the connection is cut, so that nobody takes half an
  answer for a whole one.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import aiohttp
import yarl

from patternapp_services import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SMALL = 64 * 1024
"""Bodies up to so many bytes with a Content-Length are handed over whole."""
KEEP_ALIVE = 2.0
"""Seconds that an idle connection is kept: less than servers do (uvicorn: 5), so that they never close it first."""
_HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection",
    b"te", b"trailer", b"transfer-encoding", b"upgrade",
})  # fmt: skip
_NOT_SENT_ON = _HOP_BY_HOP | {b"host", b"expect"}
"""Host is the upstream's own; an Expect was met when the server in front of us read the body."""
_NOT_SENT_BACK = _HOP_BY_HOP | {b"date", b"server"}
"""The server in front of us writes its own Date and Server."""
_OUR_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_NO_LIMIT = aiohttp.ClientTimeout(total=None)
_log = logging.getLogger(__name__)


def open_session() -> aiohttp.ClientSession:
    """A session fit for `forward`: it keeps no cookies, as they belong to clients, and limits no connections."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_OUR_HEADERS,
        auto_decompress=False,
        timeout=_NO_LIMIT,
    )


async def forward(
    session: aiohttp.ClientSession,
    base_url: str,
    scope: wire.Scope,
    receive: wire.Receive,
    send: wire.Send,
    *,
    timeout: float,  # noqa: ASYNC109 - a limit on the other side, answered 504
) -> None:
    """Sends a request on to `base_url` (scheme and host) and its answer back.

    Args:
        session: Made by `open_session`.
        base_url: Such as ``http://127.0.0.1:8701``.
        scope: The request; its path and query are sent on as they are.
        receive: ASGI's.
        send: ASGI's.
        timeout: Seconds for the whole exchange.
    """
    exchange = _Exchange(scope, receive, send)
    try:
        async with asyncio.timeout(timeout) as deadline:
            await exchange.run(session, base_url, deadline)
    except TimeoutError:
        if not exchange.client_gone:
            await exchange.fail(504, f"The function did not answer within {timeout:g} seconds.")
    except (aiohttp.ClientError, ConnectionError) as error:
        if not exchange.client_gone:
            await exchange.fail(502, f"The function cannot be reached or broke off: {error or type(error).__name__}.")


class _Exchange:
    """One request and its answer. `client_gone` tells why a deadline passed early."""

    def __init__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        self.client_gone = False
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started = False
        self._watch: asyncio.Task[None] | None = None

    async def run(self, session: aiohttp.ClientSession, base_url: str, deadline: asyncio.Timeout) -> None:
        query = self._scope.get("query_string", b"")
        raw: bytes = self._scope.get("raw_path") or yarl.URL(self._scope["path"]).raw_path.encode()
        target = (raw + b"?" + query if query else raw).decode("latin-1")
        try:
            async with session.request(
                self._scope["method"],
                yarl.URL(base_url + target, encoded=True),
                headers=_sent_on(self._scope["headers"]),
                data=await self._body(deadline),
                allow_redirects=False,
            ) as answer:
                await self._send_back(answer)
        finally:
            if self._watch is not None:
                self._watch.cancel()

    async def fail(self, status: int, detail: str) -> None:
        if not self._started:
            await wire.problem(self._send, status, detail)
            return
        # Returning without an end of the body makes the server close the connection.
        _log.warning("%s %s was cut off: %s", self._scope["method"], self._scope["path"], detail)

    async def _body(self, deadline: asyncio.Timeout) -> bytes | AsyncIterator[bytes] | None:
        headers = dict(self._scope["headers"])
        length = int(headers.get(b"content-length", b"0"))
        if length > SMALL or b"transfer-encoding" in headers:
            return self._chunks(deadline)
        body = None
        if length:
            body = b"".join([chunk async for chunk in self._chunks(deadline)])
        else:
            self._start_watch(deadline)
        return body

    async def _chunks(self, deadline: asyncio.Timeout) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._leave(deadline)
                raise ConnectionResetError
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk
        self._start_watch(deadline)

    def _start_watch(self, deadline: asyncio.Timeout) -> None:
        self._watch = asyncio.create_task(self._wait_for_disconnect(deadline))

    async def _wait_for_disconnect(self, deadline: asyncio.Timeout) -> None:
        message: wire.Message = {"type": ""}
        while message["type"] != "http.disconnect":
            message = await self._receive()
        self._leave(deadline)

    def _leave(self, deadline: asyncio.Timeout) -> None:
        self.client_gone = True
        if not deadline.expired():
            deadline.reschedule(asyncio.get_running_loop().time())

    async def _send_back(self, answer: aiohttp.ClientResponse) -> None:
        headers = _sent_back(answer.raw_headers)
        length = answer.content_length
        body = await answer.read() if length is not None and length <= SMALL else None
        self._started = True
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if body is None:
            async for chunk in answer.content.iter_any():
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        await self._send({"type": "http.response.body", "body": body or b""})


def _named_by_connection(headers: wire.Headers) -> frozenset[bytes]:
    listed = (value for name, value in headers if name.lower() == b"connection")
    return frozenset(token.strip().lower() for value in listed for token in value.split(b","))


def _sent_on(headers: wire.Headers) -> list[tuple[str, str]]:
    dropped = _NOT_SENT_ON | _named_by_connection(headers)
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name not in dropped]


def _sent_back(headers: wire.Headers) -> list[tuple[bytes, bytes]]:
    lower = [(name.lower(), value) for name, value in headers]
    dropped = _NOT_SENT_BACK | _named_by_connection(lower)
    return [item for item in lower if item[0] not in dropped]
