"""One process of a function, from its start until it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import math
import os
import signal
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from patternapp.runtime.functions import capture, environment, packets
from patternapp.runtime.functions.model import InstanceState, Phase, StartFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from patternapp.plan import model as plan
    from patternapp.runtime.functions.launcher import Launcher, Process
    from patternapp.runtime.functions.model import Listener, PoolSettings, Stream

HOST = "127.0.0.1"
KNOCKER = "127.0.0.2"
"""Not `HOST`: a connection to a port that nobody listens on could be given that same port, and reach itself."""
BACKLOG = 1024
STREAMS: tuple[Stream, ...] = ("stdout", "stderr")


class Instance:
    """One process of a function. Whoever makes it calls `start` once, and then waits for its `ended`.

    Attributes:
        phase: Requests are for ``ready`` ones only.
        in_flight: Requests that it has.
        imported: Files of the app that it has imported.
        idle_since: The loop's time at which its last request ended; None while it has any.
    """

    def __init__(
        self,
        function: plan.Function,
        settings: PoolSettings,
        *,
        launcher: Launcher,
        listener: Listener,
        generation: int,
    ) -> None:
        self.generation = generation
        self.phase: Phase = "starting"
        self.in_flight = 0
        self.imported: set[str] = set()
        self.idle_since: float | None = None
        self.port = 0
        self.started_at = time.time()
        self._function = function
        self._settings = settings
        self._launcher = launcher
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._drained = asyncio.Event()
        self._events: Counter[int] = Counter()
        self._process: Process | None = None
        self._capture: capture.Capture | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process's id, None until it was forked."""
        if self._process is None or not self._process.pid.done() or self._process.pid.exception() is not None:
            return None
        return self._process.pid.result()

    def state(self) -> InstanceState:
        return InstanceState(
            pid=self.pid, port=self.port, state=self.phase, in_flight=self.in_flight, started_at=self.started_at
        )

    async def start(self) -> None:
        """Start the process; return once it takes requests.

        Raises:
            StartFailed: It does not; then it is gone.
        """
        try:
            async with asyncio.timeout(self._settings.start_timeout):
                self._check_wanted()
                self._process = self._fork()
                await asyncio.shield(self._process.pid)
                await self._until_ready(self._process)
                self._check_wanted()
        except TimeoutError:
            await self._kill()
            wait = f"{self._settings.start_timeout:g} s"
            raise StartFailed(f"it did not take requests within {wait} and was killed; does its import hang?") from None
        except OSError as error:
            raise StartFailed(f"this machine cannot start it: {error.strerror}") from error
        except StartFailed:
            await self._kill()
            raise
        self.phase = "ready"
        self.idle_since = self._loop.time()

    def _check_wanted(self) -> None:
        if self.phase == "draining":
            raise StartFailed("it was stopped before it took requests")

    def _fork(self) -> Process:
        self._launcher.warm()
        with contextlib.ExitStack() as until_handed_over:
            keep = until_handed_over.enter_context
            listener = keep(socket.create_server((HOST, 0), backlog=BACKLOG))
            self.port = listener.getsockname()[1]
            fds = [self._birth(environment.of(self._function, self._settings, port=self.port))]
            until_handed_over.callback(os.close, fds[0])
            pipes: dict[Stream, int] = {}
            for stream in STREAMS:
                pipes[stream], theirs = os.pipe()
                until_handed_over.callback(os.close, pipes[stream])
                until_handed_over.callback(os.close, theirs)
                fds.append(theirs)
            channel, peer = (keep(end) for end in packets.pair())
            until_handed_over.pop_all()
        fds.append(peer.detach())
        if self._function.command:
            listener.close()  # the command listens there itself
        else:
            fds.append(listener.detach())
        self._capture = capture.Capture(pipes, channel, say=self._say, told=self._told)
        return self._launcher.fork(fds)

    def _birth(self, env: dict[str, str]) -> int:
        birth = {
            "handler": self._function.handler,
            "command": self._function.command,
            "folder": str(self._settings.folder),
            "env": env,
            "grace": max(1, math.ceil(self._settings.stop_grace)),
        }
        # A file in memory has no limit of size, which a packet has.
        descriptor = os.memfd_create("birth")
        os.write(descriptor, json.dumps(birth).encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    async def _until_ready(self, process: Process) -> None:
        tasks: set[asyncio.Future[Any]] = {self._ready, process.exited}
        knock = asyncio.create_task(self._knock()) if self._function.command else None
        try:
            await asyncio.wait(tasks | ({knock} if knock else set()), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if knock is not None:
                knock.cancel()
        if process.exited.done():
            self._close_capture()  # the reason may still be in the channel
        if self._ready.done():
            self._ready.result()
        elif process.exited.done():
            raise StartFailed(f"it {describe_exit(process.exited.result())} before it took requests")

    async def _knock(self) -> None:
        """Return once the port accepts; another program has no other way to say that it is ready."""
        for pause in itertools.chain((0.01, 0.02, 0.05), itertools.repeat(0.1)):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(HOST, self.port, local_addr=(KNOCKER, 0))
                writer.close()
                return
            await asyncio.sleep(pause)

    def _told(self, message: dict[str, Any]) -> None:
        self.imported.update(message.get("imported", ()))
        if self._ready.done():
            return
        if "failed" in message:
            self._ready.set_exception(StartFailed(message["failed"], message["traceback"]))
            self._ready.exception()  # whoever stops an instance that starts does not ask
        elif "ready" in message:
            self._ready.set_result(None)

    def _say(self, stream: Stream, event: int | None, text: str) -> None:
        if event is None and len(self._events) == 1:
            # It did not say for which event, but there is only one that it can be.
            (event,) = self._events
        self._listener.line(self._function.name, self.pid or 0, stream, event, text, time.time())

    def takes_another(self) -> bool:
        """Whether it takes one request more. One whose channel ended has ended: its exit is about to be told."""
        if self.phase != "ready" or self.in_flight >= self._function.concurrency or self._capture is None:
            return False
        return self._capture.connected or bool(self._function.command)  # a command has no channel

    def begin(self, event: int | None) -> None:
        """Count a request in."""
        self.in_flight += 1
        self.idle_since = None
        if event is not None:
            self._events[event] += 1

    def end(self, event: int | None) -> None:
        """Count a request out; all that it printed has been told then."""
        if self._capture is not None:
            self._capture.take()
        if event is not None:
            self._events[event] -= 1
            self._events += Counter()  # forgets what is zero
        self.in_flight -= 1
        if self.in_flight == 0:
            self.idle_since = self._loop.time()
            if self.phase == "draining":
                self._drained.set()

    async def ended(self) -> int:
        """Wait until the process is gone, and all that it said was told; its exit code."""
        if self._process is None:
            return 0
        code = await asyncio.shield(self._process.exited)
        self._close_capture()
        return code

    def retire(self, *, drain: float) -> Coroutine[Any, Any, None]:
        """Take no more requests from now on. The coroutine returns once the process is gone.

        It gives the requests in flight `drain` seconds, tells the process to end, and kills it where it does not
        within the stop grace. One that takes no requests yet is killed at once.
        """
        end = self._kill() if self.phase == "starting" else self._stop(drain)
        self.phase = "draining"
        return end

    async def _stop(self, drain: float) -> None:
        if self.in_flight:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._drained.wait(), drain)
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ended(), self._settings.stop_grace)
        await self._kill()

    def kill(self) -> None:
        """Kill the process, and all of its group."""
        self._signal(signal.SIGKILL)

    async def _kill(self) -> None:
        self.kill()
        await self.ended()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._launcher.signal(self._process, number)

    def _close_capture(self) -> None:
        if self._capture is not None:
            self._capture.close()
            self._capture = None


def describe_exit(code: int) -> str:
    """An exit code in words, such as ``exited with code 3`` or ``was killed by SIGSEGV``."""
    if code >= 0:
        return f"exited with code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
