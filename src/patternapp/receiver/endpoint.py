"""POST / as a bare ASGI application: read the body, decode, hand over, answer. No request or response objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import batches, bodies, cloudevents, delivery, errors
from patternapp.receiver import answers

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from patternapp.receiver.dispatch import Dispatch


class Endpoint:
    """Receives events over HTTP in every mode.

    Attributes:
        limit: Bytes that a body may have.
    """

    def __init__(self, dispatch: Dispatch, *, limit: int) -> None:
        self._dispatch = dispatch
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await bodies.read(receive, limit=self.limit)
        except bodies.ClientGone:
            return
        except bodies.TooLong:
            # uvicorn reads what is left of the body and forgets it: closing at once could lose this very answer.
            answer = answers.problem(answers.TOO_LARGE, f"the body is over {self.limit} bytes")
        else:
            answer = await self._answer(scope["headers"], body)
        await answers.send_answer(answer, send)

    async def _answer(self, headers: cloudevents.Headers, body: bytes) -> answers.Answer:
        try:
            if cloudevents.is_batch(headers):
                return await self._answer_batch(cloudevents.decode_batch(headers, body))
            event = cloudevents.decode(headers, body)
        except errors.CloudEventError as error:
            return answers.problem(delivery.UNREADABLE, f"not a CloudEvent: {error}")
        try:
            reply = await self._dispatch.deliver(event)
        except Exception as error:  # noqa: BLE001 - every failure has its answer; bugs are logged where they are caught
            return answers.failed(error)
        if reply is None:
            return answers.nothing()
        reply_headers, reply_body = cloudevents.encode_binary(reply)
        return answers.content(reply_body, reply_headers)

    async def _answer_batch(self, events: tuple[cloudevents.Event[bytes | None], ...]) -> answers.Answer:
        failures = await self._dispatch.deliver_batch(events)
        if not failures:
            return answers.nothing()
        return answers.content(batches.encode(failures), [("content-type", "application/json")])
