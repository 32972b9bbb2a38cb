"""Bells: who waits is woken by every ring that it does not know of."""

from __future__ import annotations

import asyncio

from patternapp.runtime.bells import Bell, Bells

DEADLINE = 10


async def test_a_ring_wakes_everybody_who_waits() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait(0)) for _ in range(3)]
    await asyncio.sleep(0)  # so that all of them wait

    bell.ring()

    await asyncio.wait_for(asyncio.gather(*waiting), DEADLINE)


async def test_a_ring_between_the_look_and_the_wait_is_not_lost() -> None:
    bell = Bell()
    known = bell.rings

    bell.ring()

    await asyncio.wait_for(bell.wait(known), DEADLINE)


async def test_a_ring_that_is_known_wakes_nobody() -> None:
    bell = Bell()
    bell.ring()

    waiting = asyncio.create_task(bell.wait(bell.rings))
    await asyncio.sleep(0)

    assert not waiting.done()
    waiting.cancel()


async def test_a_wait_ends_after_its_seconds_without_a_ring() -> None:
    await asyncio.wait_for(Bell().wait(0, seconds=0.01), DEADLINE)


async def test_a_waiter_that_is_cancelled_is_forgotten() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.wait(0))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert waiting.cancelled()
    assert bell._waiters == set()
    bell.ring()


async def test_no_work_is_left_over_when_rings_and_waits_race() -> None:
    bell, work, done = Bell(), list[int](), list[int]()

    async def worker() -> None:
        while len(done) < 200:
            known = bell.rings
            done.extend(work)
            work.clear()
            if len(done) < 200:
                await bell.wait(known)

    async def producer() -> None:
        for number in range(200):
            work.append(number)
            bell.ring()
            if number % 3:
                await asyncio.sleep(0)

    await asyncio.wait_for(asyncio.gather(worker(), producer()), DEADLINE)

    assert done == list(range(200))


async def test_an_edge_has_one_bell_and_edges_do_not_wake_each_other() -> None:
    bells = Bells()

    bells.of("a").ring()

    assert bells.of("a") is bells.of("a")
    assert (bells.of("a").rings, bells.of("b").rings) == (1, 0)
