"""uvicorn on a socket of ours, without the signal handlers it would install for itself."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator

    from patternapp.runtime.grace import Grace

HOST = "127.0.0.1"


class WebServer:
    """Serves one ASGI app on one socket; requests under way at the end get what is left of the grace."""

    def __init__(self, app: Any, listening: socket.socket, *, grace: Grace) -> None:
        self._config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
        )
        self._grace = grace
        self._server = _Quiet(self._config)
        self._socket = listening

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve inside the block, from its beginning on; at its end requests under way finish."""
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        up = asyncio.create_task(self._server.up.wait())
        try:
            await asyncio.wait({serving, up}, return_when=asyncio.FIRST_COMPLETED)
            yield
        finally:
            up.cancel()
            # uvicorn takes whole seconds, and cancels at none what would have ended at once.
            self._config.timeout_graceful_shutdown = max(1, math.ceil(self._grace.left("requests")))
            self._server.should_exit = True
            await serving


class _Quiet(uvicorn.Server):
    """Leaves signals to `serve`, which has more to stop than a server, and tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
