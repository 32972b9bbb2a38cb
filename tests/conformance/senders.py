"""What producers do: plain HTTP, with not a header more than a row names."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from conformance.rows import Answered

if TYPE_CHECKING:
    import aiohttp
    from conformance.rows import Row


async def send(session: aiohttp.ClientSession, broker: str, row: Row) -> tuple[Answered, ...]:
    """A row's requests, one after the other, to the Broker with this URL, and what they were answered."""
    answers = []
    for request in row.requests:
        body, headers = row.own(request.body), row.own(request.headers)
        async with session.request(
            request.method,
            broker + request.path,
            headers=headers,
            # aiohttp warns about large bodies that it cannot write in pieces.
            data=io.BytesIO(body) if body else None,
            skip_auto_headers=("content-type",),
        ) as answer:
            await answer.read()
            answers.append(Answered(answer.status, dict(answer.headers)))
    return tuple(answers)
