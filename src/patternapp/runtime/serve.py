"""Runs a plan: opens what is needed in order, keeps the moving parts going, and closes in the opposite order.

What holds here:

* Nothing is served before the store is open and what the last run left behind is pending again.
* The end is: deliveries under way finish, then requests, functions stop, the store closes. All of that shares one
  grace; what was not finished stays pending for the next run. A second Ctrl-C waits for nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from patternapp.http import server
from patternapp.runtime import refusals
from patternapp.runtime.assembly import Assembly
from patternapp.runtime.clock import SystemClock
from patternapp.runtime.datafolder import DataFolder
from patternapp.runtime.settings import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from patternapp.plan import model
    from patternapp.runtime.eventing.kafka.logs import KafkaLogs
    from patternapp.runtime.listener import Listener
    from patternapp.runtime.settings import Settings
    from patternapp.runtime.store.records import Ledger

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LEAST_GRACE = 1.0
"""Seconds that requests get even where deliveries took all there were: most end at once."""


async def run(
    plan: model.Plan, settings: Settings, *, file: str, listener: Listener, kafka: KafkaLogs | None = None
) -> Ledger:
    """Run an app until a signal, or until the events of `settings.once` are done; the last ledger is returned.

    Args:
        plan: What to run.
        settings: How.
        file: The app's file as the user named it, for messages.
        listener: Whom to tell what happens.
        kafka: Where queues and streams that name Kafka are; None for the store.

    Raises:
        SpecError: The plan asks for something that `dev` does not run yet.
        EnvironmentProblem: The port is taken, the data folder is held by another `dev`, the store is damaged, or
            Kafka is not there.
    """
    refusals.check(plan, file=file)
    folder = DataFolder(settings.data)
    with (
        folder.held(),
        contextlib.closing(server.listen(HOST, settings.port)) as listening,
        _stopping(listener) as stop,
    ):
        assembly = Assembly(plan, settings, folder=folder, listener=listener, clock=SystemClock(), kafka=kafka)

        def grace() -> float:
            return max(LEAST_GRACE, assembly.grace.left("requests"))

        async with assembly.open():
            async with (
                server.serving(assembly.app(), listening, grace=grace, limits=settings.limits),
                assembly.moving(),
            ):
                listener.changed(f"{plan.app} is up on {settings.url}", "info")
                if settings.once is None:
                    await stop.wait()
                else:
                    await _deliver_once(assembly, settings, stop)
            return await assembly.ledger()


async def _deliver_once(assembly: Assembly, settings: Settings, stop: asyncio.Event) -> None:
    await assembly.engine.broker.publish_batch(settings.once or (), origin="once")
    idle = asyncio.create_task(assembly.idle())
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({idle, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (idle, stopped):
            task.cancel()
        await asyncio.gather(idle, stopped, return_exceptions=True)


@contextlib.contextmanager
def _stopping(listener: Listener) -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set; the handlers there were before come back at the end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard(one: signal.Signals) -> None:
        if stop.is_set() and one is signal.SIGINT:
            os._exit(128 + one)  # As abrupt as kill -9, which loses nothing and takes the functions with it.
        if not stop.is_set():
            listener.changed("stopping once what is under way has ended; Ctrl-C again to stop at once", "info")
        stop.set()

    before: list[tuple[signal.Signals, Callable[..., object] | int | None]] = []
    for one in SIGNALS:
        before.append((one, signal.getsignal(one)))
        loop.add_signal_handler(one, heard, one)
    try:
        yield stop
    finally:
        for one, handler in before:
            loop.remove_signal_handler(one)
            signal.signal(one, handler)
