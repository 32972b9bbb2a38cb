"""Answers that are known already: a shared cache in the memory of one instance of the gateway.

What holds here:

* Only what the function would answer anybody who sends the same headers is kept: nothing that it calls private, sets a
  cookie with, or varies by a header that the route does not name; and nothing asked with a cookie, unless the route
  names that header. Where callers are proven, each has answers of its own.
* Of several that miss the same answer at once, one asks the function and the others wait for it.
* What is kept is bounded in bytes; what was used longest ago goes first.

Sources: RFC 9111 (caching), RFC 5861 (stale-while-revalidate), RFC 9110 section 13 (conditions), RFC 9211
(Cache-Status).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp_services.gateway import caching

if TYPE_CHECKING:
    from patternapp_services import wire
    from patternapp_services.gateway.caching import Key, Pairs, Rule
    from patternapp_services.wire import Receive, Scope, Send

BUDGET = 64 * 1024 * 1024
"""Bytes of all answers."""
LARGEST = 1024 * 1024
"""Bytes of one answer."""
_PASSED = 10_000
"""Requests that are remembered to have answers which may not be kept, so that nobody waits for one of them."""
_log = logging.getLogger("patternapp.gateway")

Ask = Callable[["Scope", "Receive", "Send"], Awaitable[None]]
"""Asks the function: an ASGI call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A kept answer and when it came."""

    status: int
    headers: Pairs
    body: bytes
    at: float

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers) + 500


class Cache:
    """The answers of one gateway."""

    def __init__(self, *, now: wire.Now, budget: int = BUDGET) -> None:
        self._now, self._budget = now, budget
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0
        self._asking: dict[Key, asyncio.Future[Answer | None]] = {}
        self._passed: OrderedDict[Key, float] = OrderedDict()
        self._refreshing: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End what is being fetched in the background."""
        for task in self._refreshing:
            task.cancel()
        await asyncio.gather(*self._refreshing, return_exceptions=True)

    async def answer(self, rule: Rule, subject: str, call: tuple[Scope, Receive, Send], ask: Ask) -> None:
        """Answer a GET from what is known, or ask the function. `subject` is who was proven; empty for nobody."""
        scope, receive, send = call
        if not caching.shareable(rule, scope, subject=subject):
            await ask(scope, receive, _marked(send, b"fwd=request"))
            return
        key = caching.key_of(rule, scope, subject)
        if self._passed.get(key, 0.0) > self._now():
            await ask(scope, receive, _marked(send, b"fwd=miss"))
            return
        while True:
            known, age = self._known(key)
            if known is not None and age <= rule.ttl + rule.stale:
                if age > rule.ttl:
                    self._refresh(rule, key, scope, ask)
                await _give(known, age, rule, scope, send)
                return
            other = self._asking.get(key)
            if other is None:
                break
            if await asyncio.shield(other) is None:
                # Not to be kept: whoever waited asks for itself, and nobody waits for anybody.
                await ask(scope, receive, _marked(send, b"fwd=miss"))
                return
        await self._ask(rule, key, (scope, receive, send), ask)

    async def _ask(self, rule: Rule, key: Key, call: tuple[Scope, Receive, Send], ask: Ask) -> None:
        scope, receive, send = call
        told = self._asking[key] = asyncio.get_running_loop().create_future()
        recorder = _Recorder(rule, scope, send)
        try:
            await ask(caching.unconditional(scope), receive, recorder)
        finally:
            del self._asking[key]
            kept = recorder.answer(self._now())
            if kept is not None:
                self._keep(key, kept)
            elif recorder.refused:
                self._pass(key, self._now() + rule.ttl)
            told.set_result(kept)

    def _refresh(self, rule: Rule, key: Key, scope: Scope, ask: Ask) -> None:
        if key in self._asking:
            return

        body = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def nothing() -> wire.Message:
            message = next(body, None)
            # Nobody is there who could leave.
            return message if message is not None else await asyncio.Future()

        async def nobody(_message: wire.Message) -> None:
            return None

        async def fetch() -> None:
            try:
                await self._ask(rule, key, (scope, nothing, nobody), ask)
            except Exception:  # noqa: BLE001 - the caller has its answer; the next one asks again
                _log.exception("a fresh answer of the route %s could not be fetched", rule.route)

        task = asyncio.create_task(fetch())
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    def _known(self, key: Key) -> tuple[Answer | None, float]:
        known = self._answers.get(key)
        if known is None:
            return None, 0.0
        self._answers.move_to_end(key)
        return known, self._now() - known.at

    def _keep(self, key: Key, answer: Answer) -> None:
        before = self._answers.pop(key, None)
        self._bytes += answer.size - (before.size if before else 0)
        self._answers[key] = answer
        while self._bytes > self._budget:
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= oldest.size

    def _pass(self, key: Key, until: float) -> None:
        self._passed[key] = until
        self._passed.move_to_end(key)
        if len(self._passed) > _PASSED:
            self._passed.popitem(last=False)


class _Recorder:
    """A `send` that gives an answer on and keeps it, and answers 304 where the caller has it already."""

    def __init__(self, rule: Rule, scope: Scope, send: Send) -> None:
        self._rule, self._scope, self._send = rule, scope, send
        self._status = 0
        self._headers: Pairs = ()
        self._pieces: list[bytes] = []
        self._size = 0
        self._whole = self._silent = False

    async def __call__(self, message: wire.Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], tuple(message.get("headers", ()))
            self._silent = self._status == 200 and caching.has_it(self._scope, self._headers)
            started = (
                {**message, "status": 304, "headers": caching.validators(self._headers)} if self._silent else message
            )
            await self._send({**started, "headers": [*started.get("headers", ()), _status(b"fwd=miss")]})
            return
        body = message.get("body", b"")
        self._size += len(body)
        if self._size <= LARGEST:
            self._pieces.append(body)
        self._whole = not message.get("more_body", False)
        if not self._silent:
            await self._send(message)
        elif self._whole:
            await self._send({"type": "http.response.body", "body": b""})

    @property
    def refused(self) -> bool:
        """Whether a whole answer came that may not be kept, as the next one will not be either."""
        fits = self._size <= LARGEST and caching.storable(self._headers, self._rule)
        return self._whole and self._status in caching.KEPT and not fits

    def answer(self, now: float) -> Answer | None:
        """What came, None where it is not whole or not to be kept."""
        if not self._whole or self._status not in caching.KEPT or self.refused:
            return None
        return Answer(self._status, self._headers, b"".join(self._pieces), now)


async def _give(answer: Answer, age: float, rule: Rule, scope: Scope, send: Send) -> None:
    told = (
        *(item for item in answer.headers if item[0] != b"age"),
        (b"age", b"%d" % int(age)),
        _status(b"hit; ttl=%d" % int(rule.ttl - age)),
    )
    if answer.status == 200 and caching.has_it(scope, answer.headers):
        await send({"type": "http.response.start", "status": 304, "headers": caching.validators(told)})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": list(told)})
    await send({"type": "http.response.body", "body": answer.body})


def _status(what: bytes) -> tuple[bytes, bytes]:
    return b"cache-status", b"PatternApp; " + what


def _marked(send: Send, what: bytes) -> Send:
    async def marking(message: wire.Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), _status(what)]}
        await send(message)

    return marking
