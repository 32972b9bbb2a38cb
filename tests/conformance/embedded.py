"""The rows against the Broker of `dev`: each has one of its own, with a clock that leaps to whatever is next.

What must be true here: what is looked at is the same as of every other Broker: answers, and what reached subscribers.
Only to know when all is over is the store asked, and waits take no time.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import loopback
import runtime_parts
from conformance import recorder, senders
from conformance.rows import Seen

from patternapp import errors, schedule
from patternapp.delivery import DeliverySpec
from patternapp.plan import model
from patternapp.runtime.eventing.dispatcher import Dispatcher
from patternapp.runtime.sources.scheduler import Ticker
from patternapp.runtime.store.records import State
from patternapp.runtime.web.ingress import Ingress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path
    from typing import Any

    from conformance.rows import Row, Trigger

    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.store.records import Settlement

WITHIN = 60.0
"""Seconds for everything of a row to end."""
APP = "conformance"


@dataclass
class LeapingClock(runtime_parts.HandClock):
    """Leaps to the next slot of a schedule as often as it may."""

    leaps: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def until(self, instant: float) -> None:
        await self.leaps.acquire()
        self.at = instant


@dataclass
class Hurry(runtime_parts.Notebook):
    """Sets the clock to the time of the next attempt as soon as one is put off."""

    clock: LeapingClock = field(default_factory=LeapingClock)

    def failed(self, edge: str, settlement: Settlement, *, now: float) -> None:
        super().failed(edge, settlement, now=now)
        if settlement.state is State.PENDING:
            self.clock.at = max(self.clock.at, settlement.due)


async def see(row: Row, folder: Path) -> Seen:
    """What is seen of a row; its data are in `folder`."""
    if row.ping is not None and not _admitted(row):
        return Seen(admitted=False)
    hurry = Hurry()
    async with recorder.recording(loopback.HOST, hurry.clock.now) as recording:
        urls = recording.add(row)
        plan = runtime_parts.plan_of(*(_trigger(row, trigger, urls) for trigger in row.triggers))
        async with runtime_parts.engine_of(plan, folder=folder, clock=hurry.clock, listener=hurry) as engine:
            parts = [Dispatcher(trigger, engine).run() for trigger in plan.edges_of(model.Trigger)]
            async with _running(parts), loopback.served(Ingress(engine.broker)) as url:
                async with aiohttp.ClientSession() as session:
                    answers = await senders.send(session, f"{url}/events", row)
                await _fire(row, engine, hurry.clock)
                await _ended(engine)
        admitted = None if row.ping is None else True
        return Seen(answers=answers, arrivals=recording.arrivals(row), urls=urls, admitted=admitted)


def _admitted(row: Row) -> bool:
    assert row.ping is not None
    try:
        schedule.parse(row.ping.cron, row.ping.zone)
    except errors.ScheduleError:
        return False
    return True


def _trigger(row: Row, wanted: Trigger, urls: dict[str, str]) -> model.Trigger:
    return model.Trigger(
        key=f"event-driven/{wanted.name}",
        head=urls[wanted.name],
        filters=row.own(wanted.filters),
        delivery=DeliverySpec(
            retry=wanted.retry,
            backoff_policy=wanted.policy,
            backoff_delay=wanted.delay,
            timeout=wanted.timeout,
        ),
        dead_letter=None if wanted.dead is None else urls[f"{wanted.name}.dead"],
    )


@contextlib.asynccontextmanager
async def _running(parts: list[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Whatever runs until it is cancelled."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _fire(row: Row, engine: Engine, clock: LeapingClock) -> None:
    """Let the row's schedule fire as often as it is to."""
    if row.ping is None:
        return
    wanted = dataclasses.replace(
        runtime_parts.schedule(row.key, row.ping.cron, data=row.ping.data), time_zone=row.ping.zone
    )
    ticker = Ticker(APP, wanted, engine)
    async with _running([ticker.run()]):
        for fired in range(row.ping.fires):
            clock.leaps.release()
            await _ended(engine, accepted=fired + 1)


async def _ended(engine: Engine, *, accepted: int = 0) -> None:
    """Return once nothing is pending of so many events or more."""
    async with asyncio.timeout(WITHIN):
        while True:
            known = engine.settled.rings
            ledger = await engine.store.read(lambda reads: reads.ledger())
            if ledger.pending == 0 and ledger.accepted >= accepted:
                return
            await engine.settled.wait(known, seconds=0.05)
