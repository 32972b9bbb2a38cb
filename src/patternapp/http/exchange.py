"""One request and its answer: uvicorn's, and a shortcut for what is there at once.

What holds here: ASGI's messages cost a quarter of a small request, and are not made where the whole body has come
before the application asks for it, and the answer is one piece.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http import httptools_impl

from patternapp.http.shortcut import Shortcut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from uvicorn.protocols.http.flow_control import FlowControl

logger = logging.getLogger("uvicorn.error")


class Exchange(httptools_impl.RequestResponseCycle, Shortcut):
    """One request and its answer."""

    def __init__(  # noqa: PLR0913 - a part of a connection's state each
        self,
        *,
        scope: Any,
        transport: asyncio.Transport,
        flow: FlowControl,
        default_headers: list[tuple[bytes, bytes]],
        expects: bool,
        keep_alive: bool,
        on_response: Callable[[], None],
    ) -> None:
        # uvicorn's own, but for `message_event`: making that and calling that takes as long as reading the event.
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.logger = self.access_logger = logger
        self.access_log = False
        self.default_headers = default_headers
        self.on_response = on_response
        self.disconnected = self.response_started = self.response_complete = False
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expects
        self.body = bytearray()
        self.more_body = True
        self.chunked_encoding = None
        self.expected_content_length = 0
        self._received = False
        self._event: asyncio.Event | None = None

    @property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Set while `receive` has something to say; made when it is asked first."""
        if self._event is None:
            self._event = asyncio.Event()
            if self.body or not (self.more_body or self._received) or self.disconnected or self.response_complete:
                self._event.set()
        return self._event

    def tell(self) -> None:
        """Wake whoever waits in `receive`."""
        if self._event is not None:
            self._event.set()

    async def run(self, app: Any, tasks: set[asyncio.Task[None]]) -> None:
        """Call the application, as one of these tasks. One that does not do its part is left to uvicorn."""
        try:
            result = await app(self.scope, self.receive, self.send)
        except BaseException as error:  # noqa: BLE001 - raised again, where uvicorn logs and answers it
            await self.run_asgi(_raising(error))
        else:
            if result is not None or not self.response_complete:
                await self.run_asgi(_returning(result))
        finally:
            # Here and not when the task is done, since that takes the loop another turn.
            tasks.discard(asyncio.current_task())

    def body_at_once(self) -> bytes | None:
        if self.more_body or self.disconnected or self.response_complete:
            return None
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self._event is not None:
            self._event.clear()
        self._received = True
        body, self.body = bytes(self.body), bytearray()
        return body

    def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bool:
        if self.response_started or self.disconnected or self.flow.write_paused or self.scope["method"] == "HEAD":
            return False
        pieces = [httptools_impl.STATUS_LINE[status]]
        for name, value in self.default_headers:
            pieces += (name, b": ", value, b"\r\n")
        for name, value in headers:
            if name == b"connection" or httptools_impl.HEADER_VALUE_RE.search(value):
                return False
            pieces += (name, b": ", value, b"\r\n")
        pieces.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        pieces.append(body)
        self.response_started = self.response_complete = True
        self.transport.write(b"".join(pieces))
        self.tell()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True


def _raising(error: BaseException) -> Any:
    async def app(*_: object) -> None:
        raise error

    return app


def _returning(result: object) -> Any:
    async def app(*_: object) -> object:
        return result

    return app
