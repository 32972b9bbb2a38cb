"""The embedded Broker over a real store: who gets an event, how often it may pass, and where it is put."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import runtime_parts
from runtime_parts import event

from patternapp import errors
from patternapp.runtime.bells import Bells
from patternapp.runtime.eventing.broker import FIRST_TTL, PARTITIONS, Broker, LoopError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import Lease

PLAN = runtime_parts.plan_of(
    runtime_parts.queue("work"),
    runtime_parts.stream("clicks", "raw", "shared"),
    runtime_parts.stream("audit", "shared"),
    runtime_parts.trigger("event-driven/a", "ping"),
    runtime_parts.trigger("event-driven/b", "ping"),
    runtime_parts.trigger("event-driven/c", "pong"),
    runtime_parts.trigger("queue/work", "job", head="queue/work"),
)


@pytest.fixture
def bells() -> Bells:
    return Bells()


@pytest.fixture
def broker(store: Store, bells: Bells, clock: runtime_parts.HandClock) -> Broker:
    return Broker(PLAN, store=store, bells=bells, clock=clock)


async def leased(store: Store, edge: str) -> tuple[Lease, ...]:
    now = runtime_parts.EPOCH
    return await store.write(lambda writes: writes.lease(edge, limit=1000, now=now, until=now + 60))


async def partitions(store: Store, edge: str) -> list[int]:
    return [lease.partition for lease in await leased(store, edge)]


async def test_every_trigger_that_matches_gets_a_delivery_of_its_own(broker: Broker, store: Store) -> None:
    number = await broker.publish(event("ping"), origin="test")

    edges = [edge for edge in ("event-driven/a", "event-driven/b", "event-driven/c") if await leased(store, edge)]
    assert (number, edges) == (1, ["event-driven/a", "event-driven/b"])


async def test_an_event_that_nobody_wants_is_accepted_as_unmatched(broker: Broker, store: Store) -> None:
    await broker.publish(event("other"), origin="test")

    ledger = await store.read(lambda reads: reads.ledger())
    assert (ledger.accepted, ledger.unmatched, ledger.deliveries) == (1, 1, 0)


async def test_whoever_wants_an_event_is_woken_and_nobody_else(broker: Broker, bells: Bells) -> None:
    known = {edge: bells.of(edge) for edge in ("event-driven/a", "event-driven/b", "event-driven/c")}

    await broker.publish(event("pong"), origin="test")

    assert [bell.rings for bell in known.values()] == [0, 0, 1]


async def test_an_event_keeps_when_and_through_what_it_came(broker: Broker, store: Store) -> None:
    number = await broker.publish(event("ping"), origin="webhook")

    known = await store.read(lambda reads: reads.event(number))
    assert known is not None
    assert (known["acceptedAt"], known["origin"], known["cause"]) == ("2026-11-30T00:53:20Z", "webhook", None)


async def test_a_bookmark_moves_with_its_event(broker: Broker, store: Store) -> None:
    await broker.publish(event("ping"), origin="test", bookmark=("bucket/a", "1"))

    assert await store.read(lambda reads: reads.bookmarks("bucket/")) == {"bucket/a": "1"}


async def test_a_bookmark_of_none_is_deleted_with_its_event(broker: Broker, store: Store) -> None:
    await broker.publish(event("ping"), origin="test", bookmark=("bucket/a", "1"))

    await broker.publish(event("ping"), origin="test", bookmark=("bucket/a", None))

    assert await store.read(lambda reads: reads.bookmarks("bucket/")) == {}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, FIRST_TTL),
        ({"knativebrokerttl": "soon"}, FIRST_TTL),
        ({"knativebrokerttl": ""}, FIRST_TTL),
        ({"knativebrokerttl": str(2**31)}, FIRST_TTL),
        ({"knativebrokerttl": "9" * 30}, FIRST_TTL),
        ({"knativebrokerttl": "2"}, 1),
        ({"knativebrokerttl": 7}, 6),
        ({"knativebrokerttl": "1000"}, 999),
    ],
)
async def test_a_ttl_that_is_absent_or_unreadable_begins_anew_and_another_costs_one(
    broker: Broker, store: Store, given: Mapping[str, str | int], left: int
) -> None:
    await broker.publish(event("ping", None, **given), origin="test")

    (lease,) = await leased(store, "event-driven/a")
    assert lease.ttl == left


@pytest.mark.parametrize("ttl", ["1", "0", "-1", 0, str(-(2**31))])
async def test_a_ttl_that_is_used_up_is_refused_and_nothing_is_kept(
    broker: Broker, store: Store, ttl: str | int
) -> None:
    with pytest.raises(LoopError, match="in a circle"):
        await broker.publish(event("ping", knativebrokerttl=ttl), origin="test")

    assert (await store.read(lambda reads: reads.ledger())).accepted == 0


async def test_subscribers_never_see_the_ttl(broker: Broker, store: Store) -> None:
    await broker.publish(event("ping", knativebrokerttl="9"), origin="test")

    (lease,) = await leased(store, "event-driven/a")
    assert lease.event == event("ping")


async def test_a_reply_has_one_pass_less_than_its_cause_whatever_it_says_itself(broker: Broker, store: Store) -> None:
    await broker.publish(event("ping", knativebrokerttl="9"), origin="test")
    (lease,) = await leased(store, "event-driven/a")

    reply = broker.reply(lease, event("pong", knativebrokerttl="200"), origin="reply/1")

    assert (reply.ttl, reply.cause, reply.event) == (7, 1, event("pong"))
    assert [target.edge for target in reply.targets] == ["event-driven/c"]


async def test_a_reply_to_an_event_on_its_last_pass_is_refused(broker: Broker, store: Store) -> None:
    await broker.publish(event("ping", knativebrokerttl="2"), origin="test")
    (lease,) = await leased(store, "event-driven/a")

    with pytest.raises(LoopError):
        broker.reply(lease, event("pong"), origin="reply/1")


async def test_a_batch_is_accepted_in_order(broker: Broker, store: Store) -> None:
    numbers = await broker.publish_batch([event("ping", id=str(number)) for number in range(3)], origin="test")

    assert numbers == [1, 2, 3]
    assert [lease.event.attributes["id"] for lease in await leased(store, "event-driven/a")] == ["0", "1", "2"]


async def test_a_batch_with_one_event_that_is_refused_is_not_accepted_at_all(broker: Broker, store: Store) -> None:
    with pytest.raises(LoopError):
        await broker.publish_batch([event("ping"), event("ping", knativebrokerttl="0")], origin="test")

    assert (await store.read(lambda reads: reads.ledger())).accepted == 0


async def test_events_without_a_key_are_spread_over_all_partitions(broker: Broker, store: Store) -> None:
    await broker.publish_batch([event("job") for _ in range(2 * PARTITIONS)], origin="test")

    assert sorted(await partitions(store, "queue/work")) == sorted(2 * list(range(PARTITIONS)))


async def test_an_event_for_a_trigger_alone_has_no_partition(broker: Broker, store: Store) -> None:
    await broker.publish_batch([event("ping", partitionkey=str(number)) for number in range(8)], origin="test")

    assert set(await partitions(store, "event-driven/a")) == {0}


async def test_a_key_has_the_same_partition_in_every_run(broker: Broker, store: Store) -> None:
    keys = ["anna", "bert", "çelik", "", "anna", "7"]

    for key in keys:
        await broker.publish(event("job", partitionkey=key), origin="test")

    # CRC-32 of the UTF-8 text, modulo 4: changing it would tear a key's events apart over an update.
    assert await partitions(store, "queue/work") == [3, 2, 0, 0, 3, 2]


async def test_a_key_that_is_a_number_has_the_partition_of_its_text(broker: Broker, store: Store) -> None:
    await broker.publish_batch([event("job", partitionkey=7), event("job", partitionkey="7")], origin="test")

    assert len(set(await partitions(store, "queue/work"))) == 1


async def test_an_event_on_a_topic_goes_to_every_stream_that_reads_it_and_to_no_trigger(
    broker: Broker, store: Store
) -> None:
    assert broker.topics == {"raw", "shared"}

    await broker.append_batch("shared", [event("ping")])

    counts = [len(await leased(store, edge)) for edge in ("stream/clicks", "stream/audit", "event-driven/a")]
    assert counts == [1, 1, 0]


async def test_a_store_that_cannot_write_keeps_nothing_wakes_nobody_and_says_so(
    broker: Broker, store: Store, bells: Bells
) -> None:
    await runtime_parts.fill_up(store)

    with pytest.raises(errors.StoreError, match=r"the store could not write: .*full"):
        await broker.publish(event("ping", bytes(100_000)), origin="test", bookmark=("bucket/a", "1"))

    assert bells.of("event-driven/a").rings == 0
    assert (await store.read(lambda reads: reads.ledger())).accepted == 0
    assert await store.read(lambda reads: reads.bookmarks("")) == {}


async def test_an_event_with_an_endless_ttl_harms_no_other_of_its_commit(broker: Broker) -> None:
    odd = event("ping", knativebrokerttl="9" * 30)

    numbers = await asyncio.gather(*(broker.publish(one, origin="test") for one in (event("ping"), odd, event("ping"))))

    assert sorted(numbers) == [1, 2, 3]
