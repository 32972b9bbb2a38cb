"""The ASGI app that S3 stores call: each entry of the app has a path of its own.

What holds here: 202 only after every event of a notification is with the Broker. Where one is not, the store is asked
to send the whole notification again, and repetitions have the same ids.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp.http import bodies
from patternapp_services import wire
from patternapp_services.bucket_events import records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp_services.bucket_events.records import Entry

_log = logging.getLogger(__name__)


class BucketEvents:
    """``POST <path>`` takes a notification."""

    def __init__(self, entries: Mapping[str, Entry], *, publish: wire.Publish) -> None:
        """An app over entries by their paths."""
        self._entries = entries
        self._publish = publish

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] != "http":
            await wire.decline(scope, receive, send)
            return
        entry = self._entries.get(scope["path"])
        try:
            if entry is None:
                await wire.problem(send, 404, f"No bucket's notifications are taken at {scope['path']}.")
            elif scope["method"] == "POST":
                await self._take(entry, scope, receive, send)
            else:
                await wire.problem(send, 405, "A notification is sent with POST.", headers=[(b"allow", b"POST")])
        except wire.BadRequest as refusal:
            await wire.problem(send, refusal.status, refusal.detail)
        except bodies.ClientGone:
            return

    async def _take(self, entry: Entry, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        body = await wire.read_body(scope, receive)
        try:
            for event in records.read(body, entry):
                await self._publish(event)
        except errors.StoreError as error:
            _log.warning("a notification of the bucket %s is to come again: %s", entry.bucket.name, error)
            await wire.unavailable(send, f"{error}. Send the notification again.")
        except errors.PatternAppError as error:
            _log.error("a notification of the bucket %s was refused: %s", entry.bucket.name, error)
            await wire.problem(send, 400, f"The notification is refused: {error}.")
        else:
            await wire.respond(send, 202)
