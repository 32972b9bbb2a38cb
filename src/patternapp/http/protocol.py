"""HTTP/1.1 of one connection: uvicorn's httptools protocol with the limits and the refusals that it lacks.

What holds here:

* Whatever a client sends or leaves out, its connection ends, and what it holds in memory is bounded.
* A message that is not sound is never handed on: it is answered 4xx or 501 and the connection ends (RFC 9112 11.2).
  If requests before it are still being answered, those answers come first, and nothing else.
* Trailers never become headers (RFC 9110 6.5.1), so nothing that counts as one can arrive after a proxy has looked.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from patternapp.http import answers, heads, limits
from patternapp.http.exchange import Exchange
from patternapp.http.heads import Refused

if TYPE_CHECKING:
    import asyncio
    from collections import deque

    from patternapp.http.guard import Guard

_OF_UPGRADES = frozenset({b"connection", b"upgrade", b"http2-settings"})


class Phase(enum.Enum):
    """What a connection is waiting for: a request, the rest of its head or body, its answer, or its client's end."""

    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    ANSWER = enum.auto()
    LEAVING = enum.auto()


# Looking a member up costs as much as a whole step of some callbacks, which every request goes through.
_IDLE, _HEAD, _BODY, _ANSWER, _LEAVING = Phase
_RESTING = frozenset({_IDLE, _HEAD})


class GuardedProtocol(httptools_impl.HttpToolsProtocol):
    """One connection.

    Attributes:
        phase: What it is waiting for.
        deadline: The loop's time at which the guard should look whether it has waited too long.
    """

    cycle: Exchange
    pipeline: deque[tuple[Exchange, Any]]  # type: ignore[assignment]

    def __init__(self, *arguments: Any, guard: Guard, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._guard = guard
        self._limits = guard.limits
        self.phase = _IDLE
        self.deadline = self._guard.now + guard.limits.head_timeout
        self._last = False
        """Whether nothing more is read: the connection ends after the answers that are under way."""
        self._begun = 0.0
        self._requests = self._fed = self._payload = 0
        self._long = False
        self._unread = (0, 0.0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection if there is room, or can be made."""
        super().connection_made(transport)
        if not self._guard.admit(self):
            self._leave(Refused(503, "too many connections"))

    def data_received(self, data: bytes) -> None:
        if self._last:
            return
        phase, requests = self.phase, self._requests
        self._long = phase is _HEAD or len(data) > self._limits.head_size
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refused) else Refused(400, "the target is not one of this server"))
        except httptools.HttpParserError as error:
            self._refuse(Refused(400, f"the request is not HTTP: {error}"))
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            else:
                self._ignore_upgrade(data[upgrade.args[0] :])
        else:
            # What the parser has not handed on yet, it keeps; what it never hands on is the framing of chunks.
            if self.phase is phase and self._requests == requests:
                self._fed += len(data)
                if phase is _HEAD and self._fed > self._limits.head_size:
                    self._refuse(self._too_long())
                elif phase is _BODY and self._fed - 17 * self._payload > limits.FRAMING:
                    self._refuse(Refused(400, "the body is nearly all framing of chunks"))

    def on_message_begin(self) -> None:
        self.phase = _HEAD
        self.deadline = self._guard.now + self._limits.head_timeout
        self._requests += 1
        self._fed = 0
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > limits.TARGET_SIZE:
            raise Refused(414, f"the target is over {limits.TARGET_SIZE} bytes")

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            if self._should_upgrade():
                self.scope = heads.scope(self)
            elif self.parser.get_method() == b"CONNECT":
                raise Refused(501, "this server is no proxy")
            return
        if self._long and heads.size(self.headers) > self._limits.head_size:
            raise self._too_long()
        version = self.parser.get_http_version()
        heads.check(self.headers, version, most=self._limits.headers)
        if len(self.pipeline) >= limits.PIPELINED:
            raise Refused(429, "too many requests at once")
        self.scope = heads.scope(self)
        before, self.cycle = (
            self.cycle,
            Exchange(
                scope=self.scope,
                transport=self.transport,
                flow=self.flow,
                default_headers=self.server_state.default_headers,
                expects=self.expect_100_continue,
                keep_alive=version != "1.0" and self.parser.should_keep_alive() and not self._guard.host.stopping,
                on_response=self.on_response_complete,
            ),
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        # The application has the list: what comes into it later are trailers.
        self.headers = []
        self.phase = _BODY
        self._begun = self._guard.now
        self.deadline = self._begun + self._limits.body_timeout
        self._fed = self._payload = 0

    def on_body(self, body: bytes) -> None:
        self._payload += len(body)
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.tell()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        cycle = self.cycle
        if cycle.response_complete:
            self._rest()
            return
        cycle.more_body = False
        cycle.tell()
        self.phase = _ANSWER

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._last:
            self.transport.close()
        elif self.phase is _ANSWER:
            self._rest()

    @property
    def resting(self) -> bool:
        """Whether nothing would be lost but the client's patience if the connection ended now."""
        return self.phase in _RESTING and (self.cycle is None or self.cycle.response_complete)

    def give_way(self) -> None:
        """End at once, for another connection's sake."""
        self._last = True
        self.phase = _LEAVING
        self.transport.abort()

    def look(self, now: float) -> None:
        """End the connection if it has waited too long."""
        self._look_for_reader(now)
        if self.phase is _ANSWER or now < self.deadline:
            return
        if self.phase is _LEAVING:
            self.transport.abort()
        elif self.phase is _IDLE:
            self.transport.close()
        elif self.phase is _HEAD:
            self._refuse(Refused(408, f"the headers took over {self._limits.head_timeout:g} s"))
        elif self.flow.read_paused:
            self._begun += self._limits.body_timeout
            self.deadline = now + self._limits.body_timeout
        else:
            self.deadline = self._begun + self._limits.body_timeout + self._payload / limits.SLOWEST_BODY
            if now >= self.deadline:
                self._refuse(Refused(408, "the body came too slowly"))

    def _look_for_reader(self, now: float) -> None:
        unread = self.transport.get_write_buffer_size()
        if unread != self._unread[0] or not unread:
            self._unread = (unread, now)
        elif now - self._unread[1] > self._limits.answer_timeout:
            self.transport.abort()

    def _start_asgi_task(self, cycle: Exchange, app: Any) -> None:  # type: ignore[override]
        self.tasks.add(self.loop.create_task(cycle.run(app, self.tasks)))

    def _too_long(self) -> Refused:
        return Refused(431, f"the headers are over {self._limits.head_size} bytes")

    def _ignore_upgrade(self, rest: bytes) -> None:
        # RFC 9110 7.8 lets a server ignore Upgrade, but to httptools what follows is no body then, though it is one:
        # the HTTP client of Java asks for h2c in its first request, with the body right behind.
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] not in _OF_UPGRADES]
        line = self.parser.get_method() + b" " + self.url + b" HTTP/1.1\r\n"
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(line + b"".join(kept) + b"connection: close\r\n\r\n" + rest)

    def _rest(self) -> None:
        self.phase = _IDLE
        self.deadline = self._guard.now + self._limits.idle_timeout

    def _refuse(self, refused: Refused) -> None:
        cycle = self.cycle
        if self.phase is not _BODY:
            if cycle is None or cycle.response_complete:
                self._leave(refused)
            else:
                self._last = True
                cycle.keep_alive = False
        elif self.pipeline and self.pipeline[0][0] is cycle:
            self._last = True
            self.pipeline.popleft()
        elif cycle.response_started:
            self.transport.close()
        else:
            self._leave(refused)

    def _leave(self, refused: Refused) -> None:
        """Say why, and wait a little for the client to have read it: closing at once could lose the answer."""
        self._last = True
        self._guard.host.refused(refused.status)
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.tell()
        status, headers, body = answers.problem(refused.status, refused.reason)
        lines = [b"%b: %b\r\n" % header for header in [*self.server_state.default_headers, *headers]]
        head = httptools_impl.STATUS_LINE[status] + b"".join(lines) + b"connection: close\r\n\r\n"
        self.flow.resume_reading()
        self.transport.write(head + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.phase = _LEAVING
        self.deadline = self._guard.now + limits.LEAVING_TIMEOUT
