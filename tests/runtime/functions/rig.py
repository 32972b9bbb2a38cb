"""A pool on a temporary folder, somebody who listens to it, and requests that end when the test says so."""

from __future__ import annotations

import asyncio
import contextlib
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from patternapp.plan import model as plan
from patternapp.runtime.functions.pool import FunctionPool, PoolSettings
from patternapp.spec import v1alpha1

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import aiohttp

    from patternapp.runtime.functions.model import Change, FunctionState, Kind, Stream

DEADLINE = 30.0
"""Seconds that anything in these tests may take before it counts as failed."""

ECHO = """
import os
from patternapp.receiver import Receiver
app = Receiver()

@app.get("/pid")
async def pid() -> int:
    return os.getpid()
"""
HOLD = (
    ECHO
    + """
from fastapi import Request

@app.post("/hold")
async def hold(request: Request) -> int:
    await request.body()
    return os.getpid()
"""
)


def function(name: str, handler: str | None = None, **fields: Any) -> plan.Function:
    """A function of the plan; one that is never idle and takes one request at a time, unless told otherwise."""
    defaults: dict[str, Any] = {
        "command": (),
        "image": None,
        "env": (),
        "min": 0,
        "max": 3,
        "concurrency": 1,
        "idle": 3600.0,
        "timeout": DEADLINE,
        "resources": None,
    }
    return plan.Function(name=name, handler=handler, **(defaults | fields))


def from_secret(variable: str, name: str, key: str) -> v1alpha1.EnvVar:
    return v1alpha1.EnvVar.model_validate({"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}})


@dataclass(frozen=True, slots=True)
class Said:
    function: str
    pid: int
    stream: Stream
    event: int | None
    text: str


class Recorder:
    """A listener that tests wait on."""

    def __init__(self) -> None:
        self.lines: list[Said] = []
        self.changes: list[Change] = []
        self._news = asyncio.Event()

    def line(self, function: str, pid: int, stream: Stream, event: int | None, text: str, at: float) -> None:
        assert at > 0
        self.lines.append(Said(function, pid, stream, event, text))
        self._news.set()

    def changed(self, change: Change) -> None:
        self.changes.append(change)
        self._news.set()

    def of(self, kind: Kind) -> list[Change]:
        return [change for change in self.changes if change.kind == kind]

    async def until(self, check: Callable[[], Any]) -> Any:
        """The first true result of a check, which is made whenever something was told."""
        async with asyncio.timeout(DEADLINE):
            while not (result := check()):
                self._news.clear()
                await self._news.wait()
        return result


class Rig:
    """The pool of an app of some modules."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.heard = Recorder()
        self._session = session
        self.pool = FunctionPool((), PoolSettings(folder=folder, env={}), listener=self.heard)

    def write(self, **modules: str) -> None:
        for name, text in modules.items():
            (self.folder / f"{name}.py").write_text(textwrap.dedent(text))

    async def start(self, *functions: plan.Function, **settings: Any) -> None:
        options: dict[str, Any] = {"folder": self.folder, "env": {}, "stop_grace": 5.0} | settings
        self.pool = FunctionPool(functions, PoolSettings(**options), listener=self.heard)
        await self.pool.start()

    async def get(self, name: str, path: str = "/pid", *, event: int | None = None) -> Any:
        """The JSON that a function answers."""
        headers = {} if event is None else {"patternapp-event": str(event)}
        async with (
            self.pool.instance(name, event=event) as url,
            self._session.get(url + path, headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.json()

    @contextlib.asynccontextmanager
    async def held(self, name: str, *, times: int = 1) -> AsyncIterator[list[asyncio.Task[int]]]:
        """Requests to ``/hold`` that are in flight; they end with the block."""
        gate = asyncio.Event()
        tasks = [asyncio.create_task(self._hold(name, gate)) for _ in range(times)]
        try:
            yield tasks
        finally:
            gate.set()
            await asyncio.wait(tasks)

    async def _hold(self, name: str, gate: asyncio.Event) -> int:
        async def body() -> AsyncIterator[bytes]:
            yield b"begun"
            await gate.wait()

        async with self.pool.instance(name) as url, self._session.post(f"{url}/hold", data=body()) as answer:
            pid: int = await answer.json()
            return pid

    def state(self, name: str) -> FunctionState:
        return next(state for state in self.pool.states() if state.name == name)

    def ready(self, name: str) -> list[int | None]:
        return [one.pid for one in self.state(name).instances if one.state == "ready"]

    async def stop(self) -> None:
        """Stop the pool and see that nothing is left of it."""
        server = self.pool.fork_server
        below = [] if server is None else psutil.Process(server).children(recursive=True)
        await self.pool.stop()
        assert [process for process in below if is_running(process)] == []
        assert server is None or not psutil.pid_exists(server)


def is_running(process: psutil.Process) -> bool:
    """Whether it is more than an entry that its new parent has not removed yet."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
