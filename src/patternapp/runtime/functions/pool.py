"""The functions of one app, as processes on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from patternapp.runtime.functions import edits
from patternapp.runtime.functions.activator import Activator
from patternapp.runtime.functions.launcher import Launcher
from patternapp.runtime.functions.model import (
    Change,
    FunctionState,
    FunctionUnavailable,
    InstanceState,
    Listener,
    PoolSettings,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence

    from patternapp.plan import model as plan

__all__ = [
    "Change",
    "FunctionPool",
    "FunctionState",
    "FunctionUnavailable",
    "InstanceState",
    "Listener",
    "PoolSettings",
]


class FunctionPool:
    """Runs functions as processes, as many as their requests need. Used in one event loop, the main thread's.

    Args:
        functions: The functions of the app.
        settings: How they are run.
        listener: Who is told what they print and what becomes of them.
    """

    def __init__(self, functions: Sequence[plan.Function], settings: PoolSettings, *, listener: Listener) -> None:
        self._functions = functions
        # Python tells modules' files, and the watcher those that changed, by their real paths.
        self._settings = dataclasses.replace(settings, folder=settings.folder.resolve())
        self._listener = listener
        self._launcher = Launcher()
        self._activators: dict[str, Activator] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def fork_server(self) -> int | None:
        """The fork server's process id; None while there is none."""
        return self._launcher.pid

    async def start(self) -> None:
        """Begin to warm up, to keep minimums and to watch files. Nothing is waited for."""
        self._launcher.warm()
        for function in self._functions:
            activator = Activator(function, self._settings, launcher=self._launcher, listener=self._listener)
            self._activators[function.name] = activator
            activator.keep_minimum()
        if self._settings.reload:
            self._run(self._watch())

    async def stop(self, *, within: float | None = None) -> None:
        """Drain and end every process, within so many seconds (the stop grace); nothing is left running."""
        limit = self._settings.stop_grace if within is None else within
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(activator.stop(within=limit) for activator in self._activators.values()))
        await self._launcher.stop()

    @contextlib.asynccontextmanager
    async def instance(self, name: str, *, event: int | None = None) -> AsyncIterator[str]:
        """Hold one request's share of a ready instance, started where there is none; yields its base URL.

        Args:
            name: The function.
            event: The event that the request is about. What the function prints without saying for which event (by
                programs it runs, say) belongs to this one, while the instance has no other.

        A ConnectionRefusedError in the block tells that the instance takes no connections: it gets no more requests.

        Raises:
            FunctionUnavailable: No instance can be started, or there is no such function.
        """
        activator = self._activators.get(name)
        if activator is None:
            raise FunctionUnavailable(name, "the app has no such function, or is not running")
        instance = await activator.acquire(event)
        try:
            yield instance.url
        except ConnectionRefusedError:
            activator.give_up(instance)
            raise
        finally:
            activator.release(instance, event)

    def states(self) -> tuple[FunctionState, ...]:
        """Every function and its processes, in the author's order."""
        return tuple(activator.state() for activator in self._activators.values())

    async def reload(self, names: Iterable[str]) -> None:
        """Replace the instances of these functions by new ones; where those do not come up, the old ones stay.

        Returns once each is replaced or has failed. A function that was never started is left alone.
        """
        await asyncio.gather(*(self._activators[name].reload() for name in names))

    async def _watch(self) -> None:
        try:
            async for files in edits.changes(self._settings.folder):
                for activator in self._activators.values():
                    if activator.concerned(files):
                        self._run(activator.reload())
        except OSError as error:
            reason = f"{self._settings.folder} cannot be watched, so changed files are not reloaded: {error}"
            self._listener.changed(Change(kind="unwatched", function=None, reason=reason))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
