"""The embedded queue or stream as a log: how many batches are out, when they go, and in which order."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
import runtime_parts

from patternapp import delivery
from patternapp.consume.log import Settled
from patternapp.plan import model
from patternapp.runtime.eventing.leases import Leases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.store.records import Lease

DEADLINE = 30.0
EDGE = "queue/work"
SPEC = delivery.DeliverySpec(retry=2, backoff_delay=10.0)
PLAN = runtime_parts.plan_of(runtime_parts.queue("work"), runtime_parts.trigger(EDGE, "job", head=EDGE))
KEYS = ("a", "b", "c", "d", "e", "f")
"""Their events are in at least two partitions."""


def consume(*, ordered: bool = False, size: int = 2, most: int = 2, lag: int = 4, wait: float = 0.0) -> model.Consume:
    return model.Consume(
        key=f"{EDGE}/worker",
        tail=EDGE,
        head="function/f",
        delivery=SPEC,
        dead_letter=None,
        batch_max=size,
        batch_wait=wait,
        ordered=ordered,
        min=0,
        max=most,
        lag=lag,
        idle=60.0,
    )


@pytest.fixture
async def engine(
    tmp_path: Path, clock: runtime_parts.HandClock, notebook: runtime_parts.Notebook
) -> AsyncIterator[Engine]:
    async with runtime_parts.engine_of(PLAN, folder=tmp_path, clock=clock, listener=notebook) as made:
        yield made


async def publish(engine: Engine, count: int, **attributes: str) -> None:
    events = [runtime_parts.event("job", None, id=str(number), **attributes) for number in range(count)]
    await engine.broker.publish_batch(events, origin="test")


async def take(leases: Leases) -> Sequence[Lease]:
    return await asyncio.wait_for(leases.take(), DEADLINE)


async def nothing_to_take(leases: Leases, engine: Engine) -> bool:
    """Whether a take waits. What it asks of the store is answered before what is asked after it."""
    taking = asyncio.create_task(leases.take())
    for _ in range(5):
        await engine.store.read(lambda reads: reads.ledger())
        await engine.store.write(lambda writes: writes.next_due(EDGE))
    waits = not taking.done()
    taking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await taking
    return waits


async def settle(leases: Leases, batch: Sequence[Lease], code: int = 204) -> None:
    outcome = delivery.Outcome(destination="f", code=code)
    decided = [Settled(one, outcome, delivery.decide(outcome, attempt=one.attempts + 1, spec=SPEC)) for one in batch]
    await leases.settle(decided)


async def test_so_many_batches_are_out_as_the_backlog_is_worth(engine: Engine) -> None:
    leases = Leases(consume(size=2, lag=4), EDGE, engine)
    await publish(engine, 3)

    first = await take(leases)

    assert len(first) == 2
    # What is out counts, so 3 events are worth one batch at once.
    assert await nothing_to_take(leases, engine)
    await settle(leases, first)
    assert len(await take(leases)) == 1


async def test_a_longer_backlog_has_more_batches_out_up_to_the_most(engine: Engine) -> None:
    leases = Leases(consume(size=2, lag=4, most=2), EDGE, engine)
    await publish(engine, 20)

    await take(leases)
    await take(leases)

    assert await nothing_to_take(leases, engine)


async def test_a_batch_waits_to_be_full_until_its_first_event_has_waited(
    engine: Engine, clock: runtime_parts.HandClock
) -> None:
    leases = Leases(consume(size=2, wait=5.0), EDGE, engine)
    await publish(engine, 1)
    assert await nothing_to_take(leases, engine)

    clock.at += 5.0

    assert len(await take(leases)) == 1


async def test_a_partition_in_order_has_one_batch_out_and_the_others_have_their_turn(engine: Engine) -> None:
    leases = Leases(consume(ordered=True, size=1, most=4), EDGE, engine)
    for key in KEYS:
        await publish(engine, 2, partitionkey=key)

    (first,), (second,) = await take(leases), await take(leases)
    await settle(leases, [first])
    await settle(leases, [second])
    (third,) = await take(leases)

    assert len({first.partition, second.partition}) == 2
    assert third.partition != second.partition


async def test_the_first_event_of_a_partition_holds_up_the_rest_until_it_is_done(
    engine: Engine, clock: runtime_parts.HandClock
) -> None:
    leases = Leases(consume(ordered=True, size=1), EDGE, engine)
    await publish(engine, 2, partitionkey="k")
    await settle(leases, await take(leases), 500)

    assert await nothing_to_take(leases, engine)

    clock.at += 10.0
    (again,) = await take(leases)
    assert (again.event.attributes["id"], again.attempts) == ("0", 1)


async def test_what_is_out_is_leased_and_the_ledger_balances_at_every_instant(engine: Engine) -> None:
    leases = Leases(consume(), EDGE, engine)
    await publish(engine, 2)
    batch = await take(leases)

    held = await engine.store.read(lambda reads: reads.ledger())
    assert (held.deliveries, held.pending, held.balanced) == (2, 2, True)

    await settle(leases, batch, 422)
    ended = await engine.store.read(lambda reads: reads.ledger())
    assert (ended.dead_lettered, ended.pending, ended.balanced) == (2, 0, True)
