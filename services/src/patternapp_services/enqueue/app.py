"""The endpoint: events in over HTTP, in any mode, each under the path of its queue or stream.

What holds here:

* 202 only after the broker acknowledged every event of the request.
* 503 with Retry-After where one was not acknowledged: sending it again is safe, and may write it twice.
* What waits for acknowledgements is bounded; beyond that callers are told to come again (429).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from patternapp import cloudevents, errors
from patternapp.http import bodies
from patternapp_services import wire
from patternapp_services.enqueue import writers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.cloudevents import Event
    from patternapp_services.enqueue.measures import Measures
    from patternapp_services.enqueue.writers import Writer

BODY_LIMIT = wire.BODY_LIMIT
WAITING_LIMIT = 32 * 1024 * 1024
"""Bytes of requests: the memory that a broker's absence may take."""


class Enqueue:
    """The ASGI app.

    Args:
        logs: What each path appends to.
        measures: Told of every request.
        waiting_limit: Bytes of requests that may wait for acknowledgements together; a single one always may.
    """

    def __init__(self, logs: Mapping[str, Writer], measures: Measures, *, waiting_limit: int = WAITING_LIMIT) -> None:
        self._logs = logs
        self._waiting_limit = waiting_limit
        self._measures = measures
        self._waiting = 0

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] != "http":
            await wire.decline(scope, receive, send)
            return
        path = wire.target(scope).decode("latin-1")
        log = self._logs.get(path)
        try:
            if log is None:
                await wire.problem(send, 404, f"No queue or stream has the path {path}.")
            elif scope["method"] != "POST":
                await wire.problem(send, 405, "Events are sent with POST.", headers=[(b"allow", b"POST")])
            else:
                began = time.monotonic()
                status = await self._append(log, scope, receive, send)
                self._measures.answered(path, status, seconds=time.monotonic() - began)
        except bodies.ClientGone:
            return

    async def _append(self, log: Writer, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> int:
        try:
            body = await wire.read_body(scope, receive, limit=BODY_LIMIT)
            events = _decode(scope["headers"], body)
        except wire.BadRequest as refusal:
            await wire.problem(send, refusal.status, refusal.detail)
            return refusal.status
        except errors.CloudEventError as error:
            await wire.problem(send, 400, f"The request is not a CloudEvent: {error}.")
            return 400
        if self._waiting and self._waiting + len(body) > self._waiting_limit:
            detail = "Too many events wait for the broker. Send it again."
            await wire.problem(send, 429, detail, headers=[(b"retry-after", b"1")])
            return 429
        self._waiting += len(body)
        try:
            with self._measures.waiting():
                await _write_all(log, events)
        except writers.TooLarge as refusal:
            await wire.problem(send, 413, f"The event was not kept: {refusal}.")
            return 413
        except writers.NotWritten as failure:
            await wire.unavailable(send, f"The event was not kept: {failure}. Send it again.")
            return 503
        finally:
            self._waiting -= len(body)
        await wire.respond(send, 202)
        return 202


def _decode(headers: wire.Headers, body: bytes) -> tuple[Event[bytes | None], ...]:
    known = list(headers)
    if cloudevents.is_batch(known):
        return cloudevents.decode_batch(known, body)
    return (cloudevents.decode(known, body),)


async def _write_all(log: Writer, events: tuple[Event[bytes | None], ...]) -> None:
    if len(events) == 1:
        await log.write(events[0])
        return
    # All of them are waited for, so that none is still under way when its sender is answered.
    ended = await asyncio.gather(*(log.write(event) for event in events), return_exceptions=True)
    for error in sorted((one for one in ended if one is not None), key=lambda one: isinstance(one, writers.TooLarge)):
        raise error
