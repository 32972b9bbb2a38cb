"""One app for one test: the store, Broker, dispatchers, workers and schedules of `dev`, in an event loop of their own.

What holds here: the loop runs only while the test waits for it, and each call returns once nothing more happens at
that time. So a test sees what it did, all of it, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from patternapp import errors
from patternapp.plan import compile as compiler
from patternapp.plan import model
from patternapp.runtime import refusals
from patternapp.runtime.eventing.broker import Broker
from patternapp.runtime.eventing.caller import Caller
from patternapp.runtime.eventing.dispatcher import Dispatcher
from patternapp.runtime.eventing.engine import Engine
from patternapp.runtime.eventing.worker import Worker
from patternapp.runtime.grace import Grace
from patternapp.runtime.sources.scheduler import Ticker
from patternapp.runtime.store.commits import Store
from patternapp.spec import load
from patternapp.spec.rules import addresses
from patternapp.testing.inprocess import InProcess
from patternapp.testing.virtual import VirtualBells, VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from patternapp.runtime.store.records import Settlement

T = TypeVar("T")


def plan_of(file: Path) -> model.Plan:
    """The plan of the app in a file.

    Raises:
        OSError: It cannot be read.
        SpecError: It is not right, or asks for what `dev` does not run.
    """
    # Loopback is the developer's own machine here; on a cluster it would be the Broker's.
    app = load.load(file.read_bytes(), file=str(file), accept=(addresses.LOOPBACK,))
    plan = compiler.compile_app(app)
    refusals.check(plan, file=str(file))
    return plan


class _Silent:
    """Hears of failures and says nothing: a test asks for what it wants to know."""

    def line(self, function: str, stream: str, event: int | None, text: str) -> None: ...

    def changed(self, text: str, level: str) -> None: ...

    def failed(self, edge: str, settlement: Settlement, *, now: float) -> None: ...


class Embedded:
    """An app that runs while the context is entered. Everything but `run` is called in its loop.

    Attributes:
        plan: What runs.
        clock: Its time.
        functions: Its functions.
        engine: The parts that `dev` has too.
    """

    functions: InProcess
    engine: Engine

    def __init__(self, plan: model.Plan, *, folder: Path, data: Path) -> None:
        self.plan = plan
        self.clock = VirtualClock()
        self._folder = folder
        self._data = data
        self._runner = asyncio.Runner()
        self._parts: list[Dispatcher | Worker] = []
        self._tasks: list[asyncio.Task[None]] = []

    def __enter__(self) -> Self:
        self._open = self._opened()
        try:
            self.run(self._open.__aenter__())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.run(self._open.__aexit__(None, None, None))
        finally:
            self._runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the app's loop, and return its result; not from inside another loop."""
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop()
            work.close()
            raise errors.EnvironmentProblem(
                "the app of a test runs in an event loop of its own: use its fixtures in `def test_...`, "
                "not in `async def test_...`"
            )
        return self._runner.run(work)

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        self.functions = InProcess(self.plan.nodes_of(model.Function), folder=self._folder)
        store = Store(self._data / "store.db")
        await store.open()
        bells = VirtualBells(self.clock)
        self.engine = Engine(
            store=store,
            broker=Broker(self.plan, store=store, bells=bells, clock=self.clock),
            caller=Caller(self.plan, pool=self.functions, sender=self.functions),
            clock=self.clock,
            bells=bells,
            listener=_Silent(),
            grace=Grace(0),
        )
        try:
            self._start()
            await self.quiet()
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.functions.close()
            await store.close()

    def _start(self) -> None:
        plan, engine = self.plan, self.engine
        consumed = {consume.tail for consume in plan.edges_of(model.Consume)}
        triggers = [trigger for trigger in plan.edges_of(model.Trigger) if trigger.head not in consumed]
        self._parts += [Dispatcher(trigger, engine) for trigger in triggers]
        self._parts += [Worker(consume, engine) for consume in plan.edges_of(model.Consume)]
        tickers = [Ticker(plan.app, schedule, engine) for schedule in plan.nodes_of(model.Schedule)]
        for part in (*self._parts, *tickers):
            task = asyncio.create_task(part.run())
            task.add_done_callback(lambda _: self.clock.news.ring())
            self._tasks.append(task)

    async def quiet(self) -> None:
        """Return once nothing more happens at this time."""
        while True:
            known = self.clock.news.rings
            for task in self._tasks:
                if task.done():
                    task.result()  # a part that failed fails the test
            waiting = self.clock.parked == sum(not task.done() for task in self._tasks)
            if waiting and not any(part.under_way for part in self._parts):
                return
            await self.clock.news.wait(known)

    async def pass_until(self, instant: float) -> None:
        """Let time pass; whatever is due on the way happens at its own time."""
        await self.quiet()
        while (due := self.clock.next()) is not None and due <= instant:
            self.clock.set(due)
            await self.quiet()
        self.clock.set(instant)

    async def settle(self) -> None:
        """Let as much time pass as every delivery takes to end, its retries included."""
        await self.quiet()
        while (await self.engine.store.read(lambda reads: reads.ledger())).pending:
            due = self.clock.next(of_deliveries=True)
            if due is None:
                raise AssertionError("deliveries are pending, and nothing is going to take them")
            await self.pass_until(due)
