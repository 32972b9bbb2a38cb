"""uvicorn on a socket, set for all that PatternApp serves.

What holds here:

* httptools parses (h11 takes a third of the requests), and no client can hold what another needs: `limits` says how
  much it may take, `protocol` sees to it.
* Shutting down ends, with idle or half-open connections too: no connection is taken any more, then what is in flight
  is finished, then abandoned.
* X-Forwarded-For is not believed: Knative's queue-proxy calls from 127.0.0.1, which uvicorn would trust.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
from typing import TYPE_CHECKING, Any

import uvicorn

from patternapp import errors
from patternapp.http import guard, protocol
from patternapp.http.host import Host
from patternapp.http.limits import USUAL, Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

logger = logging.getLogger("patternapp.http")

ABANDONED = "the server had to stop"
"""Why a request's task is cancelled at the end, as it can read in its CancelledError."""
ABANDON_TIMEOUT = 1.0
"""Seconds that abandoned requests get to say so."""
LOOK_TICKS = 5
"""Ticks of 0.1 s from one look at the connections to the next."""


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
async def serving(
    app: Any, listening: socket.socket, *, grace: Callable[[], float], limits: Limits = USUAL
) -> AsyncIterator[None]:
    """Serve inside the block, from its beginning on, in the loop of whoever else is at work; signals are left alone.

    Args:
        app: The ASGI application; it needs to know neither a lifespan nor websockets.
        listening: Made by `listen`.
        grace: Asked at the end of the block for the seconds that requests under way get.
        limits: What a client may take.
    """
    up = asyncio.Event()
    server = _Embedded(app, grace=grace, limits=limits, started=up.set, requests_only=True)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    waiting = asyncio.create_task(up.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        yield
    finally:
        waiting.cancel()
        server.should_exit = True
        await task


class Server(uvicorn.Server):
    """A uvicorn server that bounds its clients and its own end.

    Args:
        app: The ASGI application.
        grace: Asked at the end for the seconds that requests under way get.
        limits: What a client may take.
        host: Who else is told what happens.
        started: Called once the application has started up and takes requests.
        requests_only: Whether the application knows neither a lifespan nor websockets.
    """

    def __init__(
        self,
        app: Any,
        *,
        grace: Callable[[], float],
        limits: Limits = USUAL,
        host: Host | None = None,
        started: Callable[[], None] | None = None,
        requests_only: bool = False,
    ) -> None:
        self._guard = guard.Guard(limits, host or Host())
        self._grace = grace
        self._announce = started
        config = uvicorn.Config(
            app,
            http=functools.partial(protocol.GuardedProtocol, guard=self._guard),  # type: ignore[arg-type]  # it is only called
            interface="asgi3",
            lifespan="off" if requests_only else "auto",
            ws="none" if requests_only else "auto",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
        super().__init__(config)
        self._guard.connections = self.server_state.connections

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._guard.now = asyncio.get_running_loop().time()
        await super().startup(sockets=sockets)
        if self._announce is not None and not self.should_exit:
            self._announce()

    async def on_tick(self, counter: int) -> bool:
        now = asyncio.get_running_loop().time()
        self._guard.now = now
        if counter % LOOK_TICKS == 0:
            self._guard.look(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._guard.host.stopping = True
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if not await self._finished(grace := self._grace()):
            await self._abandon(grace)
        if not self.force_exit:
            await self.lifespan.shutdown()

    async def _finished(self, grace: float) -> bool:
        """Whether all requests were answered within the grace."""
        loop = asyncio.get_running_loop()
        end = loop.time() + grace
        while (self.server_state.connections or self.server_state.tasks) and not self.force_exit:
            if loop.time() >= end:
                return False
            self._guard.look(loop.time())
            await asyncio.sleep(0.02)
        return True

    async def _abandon(self, grace: float) -> None:
        tasks = list(self.server_state.tasks)
        if tasks:
            logger.error("stopping: %d requests did not end within %g s and are abandoned", len(tasks), grace)
        for task in tasks:
            task.cancel(ABANDONED)
        if tasks:
            await asyncio.wait(tasks, timeout=ABANDON_TIMEOUT)


class _Embedded(Server):
    """Leaves signals to whoever has more to end than a server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
