"""uvicorn on a socket of ours, without the signal handlers it would install for itself."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

HOST = "127.0.0.1"


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`, which has more to stop than a server."""
        yield


class WebServer:
    """Serves one ASGI app on one socket."""

    def __init__(self, app: Any, listening: socket.socket, *, stop_grace: float) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=max(1, round(stop_grace)),
        )
        self._server = _Quiet(config)
        self._socket = listening

    async def run(self) -> None:
        """Serve until `stop`; requests under way are finished within the grace."""
        await self._server.serve(sockets=[self._socket])

    async def started(self) -> None:
        """Return once connections are served."""
        while not self._server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)

    def stop(self) -> None:
        """Take no more connections and end `run`."""
        self._server.should_exit = True
