"""Servers on free ports of this machine: ASGI applications over real HTTP, and raw bytes for what no server says."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from patternapp.http import server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOST = "127.0.0.1"


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The URL of an ASGI application, served as `dev` serves its own."""
    with server.listen(HOST, 0) as listening:
        async with server.serving(app, listening, grace=lambda: 1.0):
            yield f"http://{HOST}:{listening.getsockname()[1]}"


@contextlib.asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """The URL of a server that reads one request's head, writes these bytes and hangs up."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(converse, HOST, 0)
    async with listening:
        yield f"http://{HOST}:{listening.sockets[0].getsockname()[1]}"
