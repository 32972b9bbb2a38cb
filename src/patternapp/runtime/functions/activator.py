"""Holds the requests of one function until an instance can take them, and scales the instances with them.

What holds here:

* Requests are served in the order in which they came; each goes to the ready instance with the least requests.
* Instances are started while requests (waiting and in flight) exceed what ready and starting ones take, up to `max`,
  and stopped once idle, down to `min`.
* A generation is the code as it was at one time. The first ready instance of a new one retires those of the old ones;
  until then they go on, so a generation that cannot be imported changes nothing.
"""

from __future__ import annotations

import asyncio
import math
import shlex
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp.runtime.functions.backoff import MOST, Backoff
from patternapp.runtime.functions.instance import Instance, describe_exit
from patternapp.runtime.functions.model import Change, FunctionState, FunctionUnavailable, StartFailed
from patternapp.runtime.functions.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine

    from patternapp.plan import model as plan
    from patternapp.runtime.functions.launcher import Launcher
    from patternapp.runtime.functions.model import Kind, Listener, PoolSettings


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A request that waits: its event, and the instance it gets."""

    event: int | None
    served: asyncio.Future[Instance]


class Activator:
    """The requests and the instances of one function."""

    def __init__(
        self, function: plan.Function, settings: PoolSettings, *, launcher: Launcher, listener: Listener
    ) -> None:
        self._function = function
        self._settings = settings
        self._launcher = launcher
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._instances: list[Instance] = []
        self._waiting: deque[Turn] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers = Timers()
        self._starts = Backoff()
        """After starts that failed: nothing is started meanwhile."""
        self._restarts = Backoff()
        """After crashes: the minimum is not kept up meanwhile, but requests are served."""
        self._generation = self._generation_ready = 0
        self._broken = False
        self._imported: set[str] = set()
        self._stopping = False
        self._started = 0
        self._requests = 0
        self._cold_starts = 0
        self._last_cold_start: float | None = None
        self._last_error: str | None = None
        self._told_traceback = ""

    def state(self) -> FunctionState:
        return FunctionState(
            name=self._function.name,
            handler=self._function.handler or shlex.join(self._function.command),
            instances=tuple(instance.state() for instance in self._instances),
            requests=self._requests,
            cold_starts=self._cold_starts,
            last_cold_start_seconds=self._last_cold_start,
            last_error=self._last_error,
        )

    async def acquire(self, event: int | None) -> Instance:
        """A ready instance that counts one request more, until `release`.

        Raises:
            FunctionUnavailable: None can be started.
        """
        if self._stopping:
            raise FunctionUnavailable(self._function.name, "it is being stopped")
        self._requests += 1
        turn = Turn(event, self._loop.create_future())
        self._waiting.append(turn)
        self._serve_waiting()
        self._scale()
        try:
            return await turn.served
        except asyncio.CancelledError:
            if not turn.served.cancelled() and turn.served.exception() is None:
                self.release(turn.served.result(), event)
            raise

    def release(self, instance: Instance, event: int | None) -> None:
        """Count a request out."""
        instance.end(event)
        self._serve_waiting()
        if instance.in_flight == 0:
            self._watch_idle()

    def give_up(self, instance: Instance) -> None:
        """Let an instance end that takes no connections; another is started where there are requests."""
        if instance.phase == "ready":
            self._retire(instance, drain=self._function.timeout)

    async def reload(self) -> None:
        """Start the next generation; the old one goes on until that is ready. Returns once it is, or has failed.

        A function that was never started is left alone: its next start has the new code anyway.
        """
        if self._started == 0 or self._stopping:
            return
        self._generation += 1
        self._starts.reset()
        for instance in self._alive():
            if instance.phase == "starting":
                self._retire(instance)
        await asyncio.wait([self._start()])

    def concerned(self, files: Collection[str]) -> bool:
        """Whether a change of these files asks for a reload.

        What a start that failed would have imported is not known, nor what one will that is under way.
        """
        if self._started == 0 or self._function.handler is None:
            return False
        if self._broken or any(instance.phase == "starting" for instance in self._instances):
            return True
        known = self._imported.union(*(instance.imported for instance in self._alive()))
        return not known.isdisjoint(files)

    def keep_minimum(self) -> None:
        """Start what must always run."""
        self._scale()

    async def stop(self, *, within: float) -> None:
        """Take no more requests, give those in flight so many seconds, and return once every process is gone."""
        self._stopping = True
        self._timers.cancel()
        self._refuse("it is being stopped")
        for instance in self._alive():
            self._retire(instance, drain=within / 2)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        for instance in self._instances:
            instance.kill()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _alive(self) -> list[Instance]:
        return [instance for instance in self._instances if instance.phase != "draining"]

    def _free(self) -> Instance | None:
        free = [instance for instance in self._instances if instance.takes_another()]
        return min(free, key=lambda one: one.in_flight, default=None)

    def _serve_waiting(self) -> None:
        self._drop_given_up()
        while self._waiting and (free := self._free()) is not None:
            turn = self._waiting.popleft()
            free.begin(turn.event)
            turn.served.set_result(free)
            self._drop_given_up()

    def _refuse(self, reason: str) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.served.done():
                turn.served.set_exception(FunctionUnavailable(self._function.name, reason))

    def _drop_given_up(self) -> None:
        while self._waiting and self._waiting[0].served.done():
            self._waiting.popleft()

    def _scale(self) -> None:
        """Start what demand and the minimum ask for, as far as failures before do not forbid it for a while."""
        if self._stopping:
            return
        now, alive = self._loop.time(), self._alive()
        waiting = sum(not turn.served.done() for turn in self._waiting)
        demand = waiting + sum(one.in_flight for one in alive)
        wanted = min(math.ceil(demand / self._function.concurrency), self._function.max)
        if now >= self._restarts.until:
            wanted = max(wanted, self._function.min)
        elif self._function.min:
            self._timers.call_at("restart", self._restarts.until, self._scale)
        missing = wanted - len(alive)
        if missing > 0 and now < self._starts.until:
            self._timers.call_at("start", self._starts.until, self._scale)
            if not alive:
                self._refuse(self._last_error or "it cannot be started")
            return
        for _ in range(missing):
            self._start()

    def _start(self) -> asyncio.Task[None]:
        cold = not any(instance.phase == "ready" for instance in self._instances)
        instance = Instance(
            self._function,
            self._settings,
            launcher=self._launcher,
            listener=self._listener,
            generation=self._generation,
        )
        self._instances.append(instance)
        self._started += 1
        self._cold_starts += cold
        return self._run(self._bring_up(instance, cold=cold))

    async def _bring_up(self, instance: Instance, *, cold: bool) -> None:
        began = self._loop.time()
        try:
            await instance.start()
        except StartFailed as error:
            self._remove(instance)
            if instance.phase != "draining":
                self._failed(instance, error)
            self._scale()
            return
        if cold:
            self._last_cold_start = self._loop.time() - began
        self._succeeded(instance)
        self._run(self._attend(instance))

    def _failed(self, instance: Instance, error: StartFailed) -> None:
        self._broken = True
        self._last_error = error.reason
        self._starts.fail(self._loop.time())
        news, self._told_traceback = error.traceback != self._told_traceback, error.traceback
        self._tell("failed", instance, error.reason, traceback=error.traceback if news else "")

    def _succeeded(self, instance: Instance) -> None:
        self._broken, self._last_error, self._told_traceback = False, None, ""
        self._starts.reset()
        old = [one for one in self._alive() if one.generation < instance.generation]
        if instance.generation > self._generation_ready:
            self._generation_ready = instance.generation
            self._imported.clear()
            self._tell("reloaded", instance)
        else:
            self._tell("started", instance)
        for one in old:
            self._retire(one, drain=self._function.timeout)
        self._serve_waiting()
        self._scale()
        self._watch_idle()

    async def _attend(self, instance: Instance) -> None:
        """Wait until a process that took requests is gone."""
        began = self._loop.time()
        code = await instance.ended()
        self._remove(instance)
        if instance.phase == "draining":
            self._tell("stopped", instance)
        else:
            if self._loop.time() - began > MOST:
                self._restarts.reset()
            self._restarts.fail(self._loop.time())
            self._last_error = f"it {describe_exit(code)}"
            instance.phase = "draining"
            self._tell("crashed", instance, self._last_error)
        self._scale()

    def _remove(self, instance: Instance) -> None:
        self._instances.remove(instance)
        if instance.generation == self._generation_ready:
            self._imported |= instance.imported

    def _retire(self, instance: Instance, *, drain: float = 0.0) -> None:
        self._run(instance.retire(drain=drain))

    def _watch_idle(self) -> None:
        """Stop instances that have been idle long enough, the youngest first, and look again when the next will be."""
        idle = [one for one in self._instances if one.phase == "ready" and one.idle_since is not None]
        spare = len(self._alive()) - self._function.min
        for instance in reversed(idle[-spare:] if spare > 0 else []):
            due = (instance.idle_since or 0.0) + self._function.idle
            if due > self._loop.time():
                self._timers.call_at("idle", due, self._watch_idle)
            else:
                self._retire(instance)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _tell(self, kind: Kind, instance: Instance, reason: str = "", *, traceback: str = "") -> None:
        change = Change(kind=kind, function=self._function.name, pid=instance.pid, reason=reason, traceback=traceback)
        self._listener.changed(change)
