"""The door for dead letters: any CloudEvent, kept before it is answered.

What holds here: 202 only after the store has the letter. What is no event is refused with 400, which a Broker does not
try again; a store that fails is 503, which it does.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from patternapp import cloudevents, errors
from patternapp.http import bodies
from patternapp_services import wire
from patternapp_services.dead_letters import letters

if TYPE_CHECKING:
    from patternapp_services.dead_letters.store import Store

LIMIT = 2 * 1024 * 1024
"""Bytes of a body: a dead letter is an event that was small enough for a Broker, and its failure, maybe in JSON."""
_log = logging.getLogger(__name__)


class Sink:
    """The ASGI app: `POST /` takes a letter."""

    def __init__(self, store: Store, *, now: wire.Now) -> None:
        self._store, self._now = store, now

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] != "http":
            await wire.decline(scope, receive, send)
            return
        try:
            match scope["method"], scope["path"]:
                case "POST", "/":
                    await self._take(scope, receive, send)
                case _, "/":
                    await wire.problem(send, 405, "Dead letters are sent with POST /.", headers=[(b"allow", b"POST")])
                case _:
                    await wire.problem(send, 404, "Dead letters are sent with POST /.")
        except wire.BadRequest as refusal:
            await wire.problem(send, refusal.status, refusal.detail)
        except errors.CloudEventError as error:
            await wire.problem(send, 400, f"The request is not a CloudEvent: {error}.")
        except errors.StoreError as error:
            _log.error("a dead letter could not be kept: %s", error)
            await wire.unavailable(send, "The store cannot keep the letter now. Send it again.")
        except bodies.ClientGone:
            return

    async def _take(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        body = await wire.read_body(scope, receive, limit=LIMIT)
        event, failure = letters.opened(cloudevents.decode(scope["headers"], body))
        number = await self._store.keep(event, failure, at=self._now())
        _log.info(
            "kept dead letter %d: %s of %s, meant for %s (%s)",
            number,
            event.attributes["id"],
            event.attributes["source"],
            failure.destination or "nobody named",
            failure.code,
        )
        await wire.respond(send, 202)
