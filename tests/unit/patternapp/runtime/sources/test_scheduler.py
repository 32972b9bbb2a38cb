"""Schedules over a real store: each slot fires once, over restarts, clocks that are set and disks that are full."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
import runtime_parts

from patternapp.runtime.sources.scheduler import EVENT_TYPE, Ticker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from patternapp.runtime.eventing.engine import Engine

DEADLINE = 20
MINUTELY = runtime_parts.schedule("tidy", "* * * * *", data={"keep": 7})
EDGE = "schedule/tidy"
PLAN = runtime_parts.plan_of(MINUTELY, runtime_parts.trigger(EDGE, EVENT_TYPE))
SLOT = dt.datetime(2026, 11, 30, 12, 0, tzinfo=dt.UTC)
BIG = 100_000


@pytest.fixture
async def engine(
    tmp_path: Path, clock: runtime_parts.HandClock, notebook: runtime_parts.Notebook
) -> AsyncIterator[Engine]:
    clock.at = SLOT.timestamp() - 0.01
    async with runtime_parts.engine_of(PLAN, folder=tmp_path, clock=clock, listener=notebook) as engine:
        yield engine


@contextlib.asynccontextmanager
async def running(ticker: Ticker) -> AsyncIterator[None]:
    task = asyncio.create_task(ticker.run())
    await asyncio.sleep(0)  # it now waits for the next slot as of this moment
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def fired(engine: Engine, rings: int = 1) -> None:
    """Return once so many events of the schedule were accepted."""
    bell = engine.bells.of(EDGE)
    while bell.rings < rings:
        await asyncio.wait_for(bell.wait(bell.rings), DEADLINE)


async def events(engine: Engine) -> list[dict[str, Any]]:
    return await engine.store.read(lambda reads: reads.events(limit=100, after=0, type_=None))


async def slot_kept(engine: Engine) -> str | None:
    bookmarks = await engine.store.read(lambda reads: reads.bookmarks("schedule/"))
    return bookmarks.get(f"{MINUTELY.key}/slot")


async def test_a_slot_fires_when_the_clock_reaches_it_and_is_kept_with_its_event(
    engine: Engine, clock: runtime_parts.HandClock
) -> None:
    async with running(Ticker("shop", MINUTELY, engine)):
        clock.at = SLOT.timestamp()
        await fired(engine)

    assert [one["time"] for one in await events(engine)] == ["2026-11-30T12:00:00Z"]
    assert await slot_kept(engine) == "2026-11-30T12:00:00+00:00"


async def test_the_event_is_that_of_a_ping_source_with_the_data_of_the_schedule(engine: Engine) -> None:
    number = await Ticker("shop", MINUTELY, engine).fire(SLOT, bookmark=None)

    known = await engine.store.read(lambda reads: reads.event(number))
    assert known is not None
    assert (known["origin"], known["data"]) == ("schedule/tidy", {"keep": 7})
    attributes = known["attributes"]
    assert attributes.pop("id")
    assert attributes == {
        "specversion": "1.0",
        "source": "/apis/v1/namespaces/default/pingsources/shop-tidy",
        "type": "dev.knative.sources.ping",
        "time": "2026-11-30T12:00:00Z",
        "patternappsource": "schedule.tidy",
        "datacontenttype": "application/json",
    }


async def test_a_slot_has_the_same_event_id_whoever_fires_it(engine: Engine) -> None:
    for _ in range(2):
        await Ticker("shop", MINUTELY, engine).fire(SLOT, bookmark=None)
    await Ticker("shop", MINUTELY, engine).fire(SLOT + dt.timedelta(minutes=1), bookmark=None)

    first, again, later = (one["id"] for one in await events(engine))
    assert first == again != later


async def test_a_slot_that_was_fired_is_not_fired_again_by_the_next_run(
    engine: Engine, clock: runtime_parts.HandClock
) -> None:
    async with running(Ticker("shop", MINUTELY, engine)):
        clock.at = SLOT.timestamp()
        await fired(engine)
    clock.at = SLOT.timestamp() - 0.01  # as if the clock had been slow, and was set between the runs

    ticker = Ticker("shop", MINUTELY, engine)
    await ticker.load()

    assert ticker.last == SLOT
    assert ticker.next == SLOT + dt.timedelta(minutes=1)


async def test_a_clock_that_is_set_back_fires_no_slot_twice(engine: Engine, clock: runtime_parts.HandClock) -> None:
    ticker = Ticker("shop", MINUTELY, engine)
    async with running(ticker):
        clock.at = SLOT.timestamp()
        await fired(engine)
        clock.at -= 3600

        assert ticker.next == SLOT + dt.timedelta(minutes=1)
    assert len(await events(engine)) == 1


async def test_slots_that_passed_while_nothing_ran_are_skipped_and_told(
    engine: Engine, clock: runtime_parts.HandClock, notebook: runtime_parts.Notebook
) -> None:
    await Ticker("shop", MINUTELY, engine).fire(SLOT, bookmark=(f"{MINUTELY.key}/slot", SLOT.isoformat()))
    clock.at = SLOT.timestamp() + 3605

    ticker = Ticker("shop", MINUTELY, engine)
    await ticker.load()

    assert ticker.next == SLOT + dt.timedelta(minutes=61)
    assert notebook.changes == [
        (
            "schedule/tidy: slots passed unfired while dev did not run, the first at 2026-11-30T12:01:00+00:00",
            "warning",
        )
    ]


async def test_a_run_without_missed_slots_tells_nothing(
    engine: Engine, clock: runtime_parts.HandClock, notebook: runtime_parts.Notebook
) -> None:
    await Ticker("shop", MINUTELY, engine).fire(SLOT, bookmark=(f"{MINUTELY.key}/slot", SLOT.isoformat()))
    clock.at = SLOT.timestamp() + 30

    await Ticker("shop", MINUTELY, engine).load()

    assert notebook.changes == []


async def test_a_slot_that_could_not_be_kept_is_told_and_tried_again(
    engine: Engine, clock: runtime_parts.HandClock, notebook: runtime_parts.Notebook
) -> None:
    big = runtime_parts.schedule("tidy", "* * * * *", data={"keep": "x" * BIG})
    await runtime_parts.fill_up(engine.store)
    told = asyncio.Event()
    notebook.on_change = told.set

    async with running(Ticker("shop", big, engine)):
        clock.at = SLOT.timestamp()
        await asyncio.wait_for(told.wait(), DEADLINE)
        assert await slot_kept(engine) is None
        await runtime_parts.make_room(engine.store)
        await fired(engine)

    ((text, level),) = set(notebook.changes)
    assert text.startswith("schedule/tidy: the store could not write: ")
    assert level == "error"
    assert [one["time"] for one in await events(engine)] == ["2026-11-30T12:00:00Z"]
    assert await slot_kept(engine) == SLOT.isoformat()


async def test_firing_by_hand_leaves_the_schedule_alone(engine: Engine) -> None:
    ticker = Ticker("shop", MINUTELY, engine)

    number = await ticker.run_now()

    assert number == 1
    assert (ticker.last, ticker.next) == (None, SLOT)
    assert await slot_kept(engine) is None


async def test_a_schedule_tells_its_last_and_its_next_slot(engine: Engine) -> None:
    ticker = Ticker("shop", MINUTELY, engine)
    ticker.last = SLOT

    assert ticker.state() == {
        "name": "tidy",
        "cron": "* * * * *",
        "timeZone": "UTC",
        "last": "2026-11-30T12:00:00Z",
        "next": "2026-11-30T12:01:00Z",
    }


async def test_a_schedule_that_never_comes_true_ends_without_firing(engine: Engine) -> None:
    ticker = Ticker("shop", runtime_parts.schedule("tidy", "0 0 31 2 *"), engine)

    await asyncio.wait_for(ticker.run(), DEADLINE)

    assert (ticker.state()["next"], await events(engine)) == (None, [])
