"""A reverse proxy of one ASGI request, by aiohttp.

What holds here:

* Bodies are streamed both ways and never decoded; only small ones are handed over whole, which is faster.
* Headers go through as they came, doubled ones too, except those that concern one connection (RFC 9110 section 7.6.1).
* Redirects are the caller's affair. A client that leaves takes its upstream request with it.
* A request that reached nobody, because the connection was refused, is sent once more to whichever instance there is
  then; one that may have been processed never is.
* Before the answer began, a failure is 502, 503 or 504; after that the connection is cut, so that nobody takes half an
  answer for a whole one. What callers are told names no address and quotes no library; the log does.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import yarl

from patternapp import sender
from patternapp_services import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

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
_NOT_REACHED = (
    "The function {0.name} takes no connections, so nothing was sent to it. "
    "Send the request again; if that goes on, the function's log says why."
)
_BROKE_OFF = (
    "The function {0.name} broke off without a whole answer; its log says why. "
    "It may have done its work, so the request was not sent again."
)
_TOO_LATE = (
    "The function {0.name} did not answer within {0.timeout:g} seconds. Make it quicker, or give it a longer timeout."
)
_NO_LIMIT = aiohttp.ClientTimeout(total=None)
_log = logging.getLogger("patternapp.gateway")


class BrokeOff(aiohttp.ClientError):
    """The connection ended before the answer did."""


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Sends a request once: aiohttp would send an idempotent one again, although it may have been processed."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ClientConnectionError as error:
        raise BrokeOff(str(error)) from error


def open_session() -> aiohttp.ClientSession:
    """A session fit for `forward`: it keeps no cookies, as they belong to clients, and limits no connections."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, resolver=sender.Resolver()),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_OUR_HEADERS,
        auto_decompress=False,
        timeout=_NO_LIMIT,
        middlewares=(_once,),
    )


@dataclass(frozen=True, slots=True)
class Function:
    """Whom requests are for.

    Attributes:
        name: Its name, for messages.
        timeout: Seconds for the exchange with one instance.
        instances: Holds an instance while its block runs, and gives its base URL, such as ``http://127.0.0.1:8701``. It
            is asked anew, once, after a ConnectionRefusedError in its block.
    """

    name: str
    timeout: float
    instances: Callable[[], AbstractAsyncContextManager[str]]


async def forward(
    session: aiohttp.ClientSession, function: Function, scope: wire.Scope, receive: wire.Receive, send: wire.Send
) -> None:
    """Sends a request on to an instance of a function, and its answer back; raises what `instances` raises.

    Args:
        session: Made by `open_session`.
        function: Whom to.
        scope: The request; its path and query are sent on as they are.
        receive: ASGI's.
        send: ASGI's.
    """
    exchange = _Exchange(scope, receive, send)
    try:
        if not (await _reached(exchange, session, function) or await _reached(exchange, session, function)):
            await exchange.fail(503, _NOT_REACHED.format(function))
    except TimeoutError:
        await exchange.fail(504, _TOO_LATE.format(function))
    except (aiohttp.ClientError, ConnectionError) as error:
        _log.warning("%s %s: the function %s broke off: %r", scope["method"], scope["path"], function.name, error)
        await exchange.fail(502, _BROKE_OFF.format(function))
    finally:
        exchange.close()


async def _reached(exchange: _Exchange, session: aiohttp.ClientSession, function: Function) -> bool:
    """Whether there was a connection, so that the request may have been processed."""
    try:
        async with function.instances() as base_url, asyncio.timeout(function.timeout) as deadline:
            await exchange.run(session, base_url, deadline)
    except ConnectionRefusedError as error:
        _log.warning("the function %s takes no connection: %s", function.name, error)
        return False
    return True


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started = False
        self._client_gone = False
        self._small: bytes | None = None
        self._watch: asyncio.Task[None] | None = None
        self._deadline: asyncio.Timeout | None = None

    async def run(self, session: aiohttp.ClientSession, base_url: str, deadline: asyncio.Timeout) -> None:
        """Send the request and its answer back.

        Raises:
            ConnectionRefusedError: There was no connection; it can be run again.
        """
        if self._client_gone:
            return
        self._deadline = deadline
        query = self._scope.get("query_string", b"")
        raw: bytes = self._scope.get("raw_path") or yarl.URL(self._scope["path"]).raw_path.encode()
        target = (raw + b"?" + query if query else raw).decode("latin-1")
        try:
            async with session.request(
                self._scope["method"],
                yarl.URL(base_url + target, encoded=True),
                headers=_sent_on(self._scope["headers"]),
                data=await self._body(),
                allow_redirects=False,
            ) as answer:
                await self._send_back(answer)
        except aiohttp.ClientConnectorError as error:
            raise ConnectionRefusedError(str(error)) from error

    def close(self) -> None:
        """Wait for the client no more."""
        if self._watch is not None:
            self._watch.cancel()

    async def fail(self, status: int, detail: str) -> None:
        """Answer with a problem, unless there is nobody to be answered."""
        if self._client_gone:
            return
        if not self._started:
            again = [(b"retry-after", b"1")] if status == 503 else []
            await wire.problem(self._send, status, detail, headers=again)
            return
        # Returning without an end of the body makes the server close the connection.
        _log.warning("%s %s was cut off: %s", self._scope["method"], self._scope["path"], detail)

    async def _body(self) -> bytes | AsyncIterator[bytes] | None:
        headers = dict(self._scope["headers"])
        length = int(headers.get(b"content-length", b"0"))
        if length > SMALL or b"transfer-encoding" in headers:
            return self._chunks()  # Nothing of it is taken before there is a connection.
        if length and self._small is None:
            self._small = b"".join([chunk async for chunk in self._chunks()])
        elif self._watch is None:
            self._start_watch()
        return self._small

    async def _chunks(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._leave()
                raise ConnectionResetError
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk
        self._start_watch()

    def _start_watch(self) -> None:
        self._watch = asyncio.create_task(self._wait_for_disconnect())

    async def _wait_for_disconnect(self) -> None:
        message: wire.Message = {"type": ""}
        while message["type"] != "http.disconnect":
            message = await self._receive()
        self._leave()

    def _leave(self) -> None:
        self._client_gone = True
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())

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
