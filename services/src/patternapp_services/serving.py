"""Runs the ASGI app of one of our services on a port, in the loop of whoever else is at work.

What holds here: signals are the program's; at the end no connection is taken any more, and what is in flight gets its
grace.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import uvicorn

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than proxies in front keep theirs."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 lets the system choose.

    Raises:
        EnvironmentProblem: The address is taken, or not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise errors.EnvironmentProblem(
            f"cannot listen on {host}:{port}: {error.strerror}; stop what has it, or choose another port"
        ) from error


@contextlib.asynccontextmanager
async def serving(app: Any, listening: socket.socket, *, grace: int) -> AsyncIterator[None]:
    """Serve inside the block, from its beginning on; at its end requests under way get `grace` seconds."""
    config = uvicorn.Config(
        app,
        http="httptools",
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    up = asyncio.create_task(server.up.wait())
    try:
        await asyncio.wait({task, up}, return_when=asyncio.FIRST_COMPLETED)
        yield
    finally:
        up.cancel()
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """Leaves signals alone, and tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
