"""The Broker for any events: the ledger balances, a key keeps its partition, and passes through it run out."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import runtime_parts
import strategies
from hypothesis import strategies as st

from patternapp.runtime.bells import Bells
from patternapp.runtime.eventing.broker import FIRST_TTL, PARTITIONS, Broker, LoopError

if TYPE_CHECKING:
    from patternapp.cloudevents import Event
    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import Lease, Ledger

TYPES = ("ping", "pong", "job", "other")
PLAN = runtime_parts.plan_of(
    runtime_parts.queue("work"),
    runtime_parts.trigger("event-driven/a", "ping"),
    runtime_parts.trigger("event-driven/b", "ping"),
    runtime_parts.trigger("event-driven/c", "pong"),
    runtime_parts.trigger("queue/work", "job", head="queue/work"),
)
WANTED = {"ping": 2, "pong": 1, "job": 1, "other": 0}
FEW = hypothesis.settings(max_examples=25, deadline=None)


def broker_over(store: Store) -> Broker:
    return Broker(PLAN, store=store, bells=Bells(), clock=runtime_parts.HandClock())


async def leased(store: Store, edge: str, limit: int = 1000) -> tuple[Lease, ...]:
    now = runtime_parts.EPOCH
    return await store.write(lambda writes: writes.lease(edge, limit=limit, now=now, until=now + 60))


@FEW
@hypothesis.given(st.lists(st.tuples(strategies.events(), st.sampled_from(TYPES)), max_size=8))
def test_whatever_is_published_is_kept_as_it_was_once_for_each_who_wants_it(
    given: list[tuple[Event[bytes | None], str]],
) -> None:
    events = [runtime_parts.event(type_, event.data, **{**event.attributes, "type": type_}) for event, type_ in given]

    async def publish() -> tuple[Ledger, list[Event[bytes | None]]]:
        with tempfile.TemporaryDirectory() as folder:
            async with runtime_parts.opened(Path(folder) / "store.db") as store:
                await broker_over(store).publish_batch(events, origin="test")
                ledger = await store.read(lambda reads: reads.ledger())
                return ledger, [lease.event for lease in await leased(store, "event-driven/a")]

    ledger, pings = asyncio.run(publish())

    wanted = [WANTED[type_] for _, type_ in given]
    assert ledger.balanced
    assert (ledger.accepted, ledger.deliveries, ledger.unmatched) == (len(given), sum(wanted), wanted.count(0))
    assert pings == [event for event in events if event.attributes["type"] == "ping"]


@FEW
@hypothesis.given(st.lists(st.sampled_from(["anna", "bert", "ç", "7"]), min_size=1, max_size=12))
def test_events_of_one_key_are_in_one_partition_whatever_came_between(keys: list[str]) -> None:
    async def publish() -> list[int]:
        with tempfile.TemporaryDirectory() as folder:
            async with runtime_parts.opened(Path(folder) / "store.db") as store:
                broker = broker_over(store)
                for key in keys:
                    await broker.publish(runtime_parts.event("job"), origin="test")
                    await broker.publish(runtime_parts.event("job", partitionkey=key), origin="test")
                return [lease.partition for lease in (await leased(store, "queue/work"))[1::2]]

    partitions = asyncio.run(publish())

    assert all(0 <= partition < PARTITIONS for partition in partitions)
    assert len(set(zip(keys, partitions, strict=True))) == len(set(keys))


@FEW
@hypothesis.given(
    st.integers(2, 40) | st.text(max_size=3).filter(lambda text: not text.strip().lstrip("+-").isdecimal())
)
def test_a_circle_of_replies_ends_after_the_passes_it_was_given(ttl: int | str) -> None:
    async def go_round() -> int:
        with tempfile.TemporaryDirectory() as folder:
            async with runtime_parts.opened(Path(folder) / "store.db") as store:
                broker = broker_over(store)
                await broker.publish(runtime_parts.event("pong", knativebrokerttl=ttl), origin="test")
                (lease,) = await leased(store, "event-driven/c")
                passes = 1
                left = lease.ttl
                while left > 1:
                    reply = broker.reply(replace(lease, ttl=left), lease.event, origin="test")
                    left, passes = reply.ttl, passes + 1
                try:
                    broker.reply(replace(lease, ttl=left), lease.event, origin="test")
                except LoopError:
                    return passes
                raise AssertionError("the circle goes on")

    assert asyncio.run(go_round()) == (ttl - 1 if isinstance(ttl, int) else FIRST_TTL)
