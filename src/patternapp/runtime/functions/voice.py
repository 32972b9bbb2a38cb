"""In a function's process: what its Python code prints goes to `dev` line by line, with the event it works on.

What holds here:

* A print is attributed by the context it runs in, so that concurrent requests, and threads that a sync handler runs in,
  are told apart. What has no context (a thread of the function's own) goes without a number.
* Nothing here keeps a print waiting but the socket: it is full when `dev` cannot follow, as a terminal would be.
* What does not pass `sys.stdout` or `sys.stderr` (other programs, C code) takes the pipes behind them, untagged.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from patternapp.runtime.functions import packets

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from patternapp.runtime.functions.model import Stream

EVENT_HEADER = b"patternapp-event"


class Voice:
    """Both streams of one process, and the event that the current context works on."""

    def __init__(self, channel: socket.socket) -> None:
        self.event: ContextVar[int | None] = ContextVar("patternapp_event", default=None)
        self._streams = (TaggedStream("stdout", channel, self.event), TaggedStream("stderr", channel, self.event))

    def install(self) -> None:
        """Take the places of `sys.stdout` and `sys.stderr`, for logging handlers made from now on as well."""
        sys.stdout, sys.stderr = (text_of(stream) for stream in self._streams)
        setattr(sys, "__stdout__", sys.stdout)  # noqa: B010 - Final for type checkers
        setattr(sys, "__stderr__", sys.stderr)  # noqa: B010 - the same

    def end(self, event: int | None) -> None:
        """Send what was printed for this event without the end of a line."""
        for stream in self._streams:
            stream.end(event)


class TaggedStream(io.RawIOBase):
    """A stream whose lines are sent with the event of the context that wrote them."""

    def __init__(self, stream: Stream, channel: socket.socket, event: ContextVar[int | None]) -> None:
        super().__init__()
        self._stream = stream
        self._channel = channel
        self._event = event
        self._pending: dict[int | None, packets.Lines] = {}
        self._renew_lock()
        # A fork while another thread holds the lock would leave it held for ever in the child.
        os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        # A signal handler that prints may interrupt a print of the same thread.
        self._lock = threading.RLock()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """The pipe behind the stream, for subprocesses."""
        return 1 if self._stream == "stdout" else 2

    def write(self, data: Any) -> int:
        """Send the lines that the bytes complete."""
        chunk, event = bytes(data), self._event.get()
        with self._lock:
            pending = self._pending.pop(event, None) or packets.Lines()
            lines = pending.feed(chunk)
            if not pending.empty:
                self._pending[event] = pending
        self._send(event, lines)
        return len(chunk)

    def end(self, event: int | None) -> None:
        """Send what is left of an event's last line."""
        with self._lock:
            pending = self._pending.pop(event, None)
        if pending is not None:
            self._send(event, pending.end())

    def _send(self, event: int | None, lines: list[bytes]) -> None:
        # When `dev` is gone there is nobody to tell, and the process is about to be killed.
        with contextlib.suppress(OSError):
            for text in lines:
                self._channel.sendall(packets.pack_line(packets.Line(self._stream, event, text)))


def text_of(stream: TaggedStream) -> io.TextIOWrapper[Any]:
    """What prints into the stream, at once."""
    buffer: Any = stream  # a raw stream serves a text stream as well as a buffered one, as with ``python -u``
    return io.TextIOWrapper(buffer, "utf-8", "backslashreplace", write_through=True)


class Tagged:
    """ASGI middleware: whatever runs for a request runs in the context of its event.

    Args:
        app: The function.
        voice: Where the event is kept.
        served: Called at the end of every request, before its answer is whole.
    """

    def __init__(self, app: Any, voice: Voice, *, served: Callable[[], None]) -> None:
        self._app = app
        self._voice = voice
        self._served = served

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        event = number_of(scope["headers"])
        self._voice.event.set(event)  # each request runs in a task, and so in a context, of its own

        async def tell_first(message: Any) -> None:
            # Whoever gets the end of the answer has all that was printed for it.
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._end(event)
            await send(message)

        try:
            await self._app(scope, receive, tell_first)
        finally:
            self._end(event)

    def _end(self, event: int | None) -> None:
        self._voice.end(event)
        self._served()


def number_of(headers: Any) -> int | None:
    """The event's number in an ASGI request's headers; None where there is no number."""
    for name, value in headers:
        if name == EVENT_HEADER and value.isdigit():
            return int(value)
    return None
