"""The body of an ASGI request, whole, and never more of it than the reader takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patternapp.http import shortcut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping


class TooLong(Exception):  # noqa: N818 - the request's fault
    """The body is longer than the limit; the rest of it is not read."""


class ClientGone(Exception):  # noqa: N818 - nothing failed: nobody is there to be answered
    """The client left before its request was complete."""


async def read(receive: Callable[[], Awaitable[MutableMapping[str, Any]]], *, limit: int) -> bytes:
    """All of it.

    Raises:
        TooLong: It has more than `limit` bytes.
        ClientGone: The client left.
    """
    server = shortcut.of(receive)
    if server is not None and (whole := server.body_at_once()) is not None:
        if len(whole) > limit:
            raise TooLong
        return whole
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise TooLong
        more = message.get("more_body", False)
        if not more and not chunks:
            return chunk
        chunks.append(chunk)
    return b"".join(chunks)
