"""Tasks beside a loop: counted, drained, and never failing silently."""

from __future__ import annotations

import asyncio

import pytest

from patternapp.runtime.bells import Bell
from patternapp.runtime.eventing.underway import UnderWay

DEADLINE = 10


async def test_tasks_are_counted_while_they_run_and_their_end_rings_the_bell() -> None:
    bell, go_on = Bell(), asyncio.Event()
    under_way = UnderWay(bell)

    async def work() -> None:
        await go_on.wait()

    under_way.start(work())
    assert len(under_way) == 1
    go_on.set()

    await asyncio.wait_for(bell.wait(0), DEADLINE)
    assert len(under_way) == 0


async def test_draining_lets_tasks_finish() -> None:
    finished = []
    under_way = UnderWay(Bell())

    async def work() -> None:
        await asyncio.sleep(0)
        finished.append(True)

    under_way.start(work())

    await under_way.drain(within=DEADLINE)

    assert finished == [True]


async def test_draining_cancels_what_is_late_and_waits_until_it_is_gone() -> None:
    cleaned_up = []
    under_way = UnderWay(Bell())

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned_up.append(True)

    under_way.start(work())

    await under_way.drain(within=0.01)

    assert cleaned_up == [True]
    assert len(under_way) == 0


async def test_draining_nothing_ends_at_once() -> None:
    await asyncio.wait_for(UnderWay(Bell()).drain(within=1_000), DEADLINE)


async def test_the_error_of_a_task_is_raised_in_the_loop() -> None:
    bell = Bell()
    under_way = UnderWay(bell)

    async def work() -> None:
        raise ZeroDivisionError

    under_way.start(work())
    await asyncio.wait_for(bell.wait(0), DEADLINE)

    with pytest.raises(ZeroDivisionError):
        under_way.check()


async def test_a_cancelled_task_is_no_error() -> None:
    under_way = UnderWay(Bell())

    async def work() -> None:
        await asyncio.Event().wait()

    under_way.start(work())
    await under_way.drain(within=0)

    under_way.check()
