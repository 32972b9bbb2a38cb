"""HTTP answers. Every error is ``application/problem+json`` (RFC 9457), and short: a dead letter keeps it whole."""

from __future__ import annotations

import http
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from patternapp import delivery
from patternapp.http import shortcut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Answer(NamedTuple):
    """A whole HTTP response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


NOTHING = Answer(204, [], b"")
"""Done, and nothing to say."""


def content(body: bytes, headers: list[tuple[str, str]], *, status: int = 200) -> Answer:
    """An answer with a body; `headers` name its content type."""
    raw = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]
    return Answer(status, [*raw, (b"content-length", b"%d" % len(body))], body)


def problem(status: int, detail: str) -> Answer:
    """An error answer of at most `delivery.ANSWER_LIMIT` bytes; a longer detail is cut."""
    detail = detail[: delivery.ANSWER_LIMIT]
    fields = {"type": "about:blank", "title": http.HTTPStatus(status).phrase, "status": status, "detail": detail}
    body = json.dumps(fields).encode()
    while len(body) > delivery.ANSWER_LIMIT:
        # One character of detail is 1 to 12 bytes of JSON, so this many can go, and one is needed for the mark.
        excess = len(body) - delivery.ANSWER_LIMIT
        fields["detail"] = detail = detail[: len(detail) - max(excess // 12, 1) - 1] + "\N{HORIZONTAL ELLIPSIS}"
        body = json.dumps(fields).encode()
    return content(body, [("content-type", "application/problem+json")], status=status)


async def send_answer(answer: Answer, send: Send) -> None:
    """Send it, whole; at once where nothing stands between the application and the server."""
    server = shortcut.of(send)
    if server is not None and server.answer(*answer):
        return
    # A list of its own, since middleware may add to it.
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers]})
    await send({"type": "http.response.body", "body": answer.body})
