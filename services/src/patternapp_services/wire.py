"""The ASGI border that the endpoints share: bodies in, answers and problems out, and what they are given.

What holds here:

* Header names are lower-case bytes, as ASGI hands them over.
* A body is never read past the limit of whoever asked for it.
* Every error answer is ``application/problem+json`` (RFC 9457) with a sentence that a person can act on.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

from patternapp.http import answers, bodies

if TYPE_CHECKING:
    from patternapp.cloudevents import Event

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
Now = Callable[[], float]
"""The time, in seconds since 1970."""
NewId = Callable[[], str]
"""An id that nobody else has."""

BODY_LIMIT = 1024 * 1024
"""Bytes of a body that becomes an event, as Knative's Brokers take them."""
_VISIBLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,1024}")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+\s*(;[\t\x20-\x7e]*)?", re.ASCII)


class Publish(Protocol):
    """Hands an event to the Broker and returns its number once it is durable.

    Raises `errors.StoreError` where it could not be kept, another `PatternAppError` where it is not acceptable.
    A bookmark is a named position that is written in the same transaction; None deletes it.
    """

    async def __call__(self, event: Event[bytes | None], *, bookmark: tuple[str, str | None] | None = None) -> int: ...


class BadRequest(Exception):  # noqa: N818 - the status it becomes
    """The request cannot be taken; `status` and the message say why."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


def new_id() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


def timestamp(seconds: float) -> str:
    """A time as CloudEvents writes it: RFC 3339, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")


def header(headers: Headers, name: bytes) -> str | None:
    """The value of the one header with this name, None without it; `BadRequest` where it is doubled or not text."""
    values = [value for key, value in headers if key == name]
    if not values:
        return None
    if len(values) > 1:
        raise BadRequest(400, f"The header {name.decode()} was sent {len(values)} times; send it once.")
    try:
        text = values[0].decode().strip()
    except UnicodeDecodeError:
        raise BadRequest(400, f"The header {name.decode()} is not UTF-8.") from None
    if text and not _VISIBLE.fullmatch(text):
        raise BadRequest(400, f"The header {name.decode()} is over 1024 characters or holds control characters.")
    return text or None


def media_type(headers: Headers, body: bytes) -> str | None:
    """The media type of a body that becomes an event's data; None where there is no body.

    Raises:
        BadRequest: It is malformed, or a CloudEvents format: as the data of another event the two would be
            confused by whoever receives it in binary mode.
    """
    if not body:
        return None
    text = header(headers, b"content-type")
    if text is None:
        return "application/octet-stream"  # RFC 9110 section 8.3; a missing datacontenttype would mean JSON.
    if not _MEDIA_TYPE.fullmatch(text):
        raise BadRequest(415, f"The Content-Type {text!r} is not a media type such as application/json.")
    if text.lower().startswith("application/cloudevents"):
        raise BadRequest(415, f"This path does not take {text.split(';')[0].strip()}.")
    return text


def target(scope: Scope) -> bytes:
    """The path as it was sent, percent-encoding untouched, without the part under which the app is mounted."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.removeprefix(scope.get("root_path", "").encode())


async def read_body(scope: Scope, receive: Receive, *, limit: int = BODY_LIMIT) -> bytes:
    """The whole body.

    Raises:
        BadRequest: 413, it is longer than `limit` bytes; a length announced as such is not read at all.
        bodies.ClientGone: The client left.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limit:
            raise _too_large(limit)
    try:
        return await bodies.read(receive, limit=limit)
    except bodies.TooLong:
        raise _too_large(limit) from None


def _too_large(limit: int) -> BadRequest:
    return BadRequest(413, f"The body is longer than the {limit} bytes that are taken here.")


async def respond(send: Send, status: int, *, body: bytes = b"", headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """One complete answer; its Content-Length is added."""
    start = [(b"content-length", b"%d" % len(body)), *headers] if status != 204 else [*headers]
    await answers.send_answer(answers.Answer(status, start, body), send)


async def respond_json(send: Send, status: int, value: object) -> None:
    """One complete answer in JSON."""
    await respond(send, status, body=json.dumps(value).encode(), headers=[(b"content-type", b"application/json")])


async def problem(send: Send, status: int, detail: str, *, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """One complete error answer (RFC 9457)."""
    answer = answers.problem(status, detail)
    answer.headers.extend(headers)
    await answers.send_answer(answer, send)


async def unavailable(send: Send, detail: str) -> None:
    """503: nothing of the request was kept, and it may be sent again in a second."""
    await problem(send, 503, detail, headers=[(b"retry-after", b"1")])


async def decline(scope: Scope, receive: Receive, send: Send) -> None:
    """What is not HTTP: a server's lifespan is acknowledged, a WebSocket is closed."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1003})
        return
    message = {"type": ""}
    while message["type"] != "lifespan.shutdown":
        message = {**await receive()}
        await send({"type": f"{message['type']}.complete"})
