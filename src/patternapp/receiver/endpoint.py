"""POST / as a bare ASGI application: read the body, decode, hand over, answer. No request or response objects."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from patternapp import batches, cloudevents, delivery, errors
from patternapp.http import answers, bodies
from patternapp.receiver import context, deadline, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from patternapp.receiver.steps import Step


TOO_LARGE = 413
"""What a receiver answers to a body over the limit; not retried."""
HANDLER_FAILED = 500
"""What a receiver answers when a handler raised what it should not: the event comes again."""
TIMED_OUT = 504
"""What a receiver answers when a handler took too long: the event comes again."""
STOPPED = 503
"""What a receiver answers to events that it abandons at its end."""


class Endpoint:
    """Receives events over HTTP in every mode.

    Attributes:
        step: What the events are handed to.
        refused: Told the status of each request that is not.
        limit: Bytes that a body may have.
    """

    def __init__(self, step: Step, *, limit: int) -> None:
        self.step = step
        self.refused: Callable[[int], None] = lambda _: None
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._handle(scope["headers"], receive)
        except bodies.ClientGone:
            return
        except asyncio.CancelledError:
            # The server ends, and nobody waits for this task: its last word is that the event should come again.
            answer = answers.problem(STOPPED, "the function had to stop before this was done")
        await answers.send_answer(answer, send)

    async def _handle(self, headers: cloudevents.Headers, receive: Receive) -> answers.Answer:
        noted = dict(headers)
        if b"traceparent" in noted:
            state = noted.get(b"tracestate", b"").decode("latin-1")
            context.trace.set(context.trace_of(noted[b"traceparent"].decode("latin-1"), state))
        try:
            if int(noted.get(b"content-length", 0)) > self.limit:
                raise bodies.TooLong  # noqa: TRY301 - one answer, whether it was announced or came
            body = await bodies.read(receive, limit=self.limit)
        except bodies.TooLong:
            answer = answers.problem(TOO_LARGE, f"the body is over {self.limit} bytes")
            # The server reads what is left of the body and forgets it: closing at once could lose this very answer.
            # But who waits to be told to go on (RFC 9110 10.1.1) sends no body now, only perhaps another request.
            if b"expect" in noted:
                answer.headers.append((b"connection", b"close"))
            self.refused(TOO_LARGE)
            return answer
        # Most are single events, and need not be asked again whether they are.
        if b"batch" in noted.get(b"content-type", b"").lower():
            return await self._answer_any(headers, body)
        return await self._answer(headers, body)

    async def _answer(self, headers: cloudevents.Headers, body: bytes) -> answers.Answer:
        try:
            event = cloudevents.decode(headers, body)
        except errors.CloudEventError as error:
            return self._unreadable(error)
        try:
            reply = await self.step.deliver(event)
        except Exception as error:  # noqa: BLE001 - every failure has its answer; bugs are logged where they are caught
            return _failed(error)
        if reply is None:
            # Knative takes no other body than an event, so there is none: not even ``null``.
            return answers.NOTHING
        reply_headers, reply_body = cloudevents.encode_binary(reply)
        return answers.content(reply_body, reply_headers)

    async def _answer_any(self, headers: cloudevents.Headers, body: bytes) -> answers.Answer:
        try:
            if not cloudevents.is_batch(headers):
                return await self._answer(headers, body)
            events = cloudevents.decode_batch(headers, body)
        except errors.CloudEventError as error:
            return self._unreadable(error)
        return await self._answer_batch(events)

    def _unreadable(self, error: errors.CloudEventError) -> answers.Answer:
        self.refused(delivery.UNREADABLE)
        return answers.problem(delivery.UNREADABLE, f"not a CloudEvent: {error}")

    async def _answer_batch(self, events: tuple[cloudevents.Event[bytes | None], ...]) -> answers.Answer:
        failures = await self.step.deliver_batch(events)
        if not failures:
            return answers.NOTHING
        return answers.content(batches.encode(failures), [("content-type", "application/json")])


def _failed(error: BaseException) -> answers.Answer:
    """The answer for what a handler raised."""
    reason = outcomes.reason(error)
    if isinstance(error, outcomes.Reject):
        return answers.problem(delivery.REJECTED, reason)
    if isinstance(error, deadline.TimedOut):
        return answers.problem(TIMED_OUT, reason)
    if not isinstance(error, outcomes.Retry):
        return answers.problem(HANDLER_FAILED, reason)
    answer = answers.problem(error.code, reason)
    if error.after is not None:
        # RFC 9110 10.2.3: whole seconds.
        answer.headers.append((b"retry-after", b"%d" % math.ceil(error.after)))
    return answer
