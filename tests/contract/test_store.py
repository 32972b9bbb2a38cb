"""What every user of the store relies on, sentence by sentence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from patternapp import errors
from patternapp.cloudevents import Event
from patternapp.runtime.store import logbook, records
from patternapp.runtime.store.records import Stage, State

if TYPE_CHECKING:
    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import Lease

LONG = 1_000.0
EDGES = ("a", "b")


def acceptance(*edges: str, id_: str = "1", at: float = 0.0, **more: Any) -> records.Acceptance:
    attributes = {"specversion": "1.0", "id": id_, "source": "/test", "type": "thing.happened"}
    targets = tuple(records.Target(edge) for edge in edges)
    return records.Acceptance(
        event=Event(attributes, b'{"n": 1}'), targets=targets, ttl=255, at=at, origin="ingress", **more
    )


def settled(lease: Lease, state: State = State.DELIVERED, **more: Any) -> records.Settlement:
    attempt = records.Attempt(started_at=0.0, seconds=0.01, code=204, error=None, body=b"")
    return records.Settlement(delivery=lease.delivery, token=lease.token, attempt=attempt, state=state, **more)


async def lease(store: Store, edge: str = "a", *, limit: int = 1, now: float = 0.0) -> tuple[Lease, ...]:
    return await store.write(lambda w: w.lease(edge, limit=limit, now=now, until=now + LONG))


async def ledger(store: Store) -> tuple[int, int, int, int, int, int]:
    known = await store.read(lambda r: r.ledger())
    assert known.balanced
    return (
        known.accepted,
        known.unmatched,
        known.deliveries,
        known.delivered,
        known.dead_lettered,
        known.pending,
    )


async def test_an_event_that_nobody_wants_is_accepted_and_counted_as_unmatched(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance()))

    assert await ledger(store) == (1, 1, 0, 0, 0, 0)


async def test_an_accepted_event_waits_for_every_edge_that_wants_it(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a", "b")))

    assert await ledger(store) == (1, 0, 2, 0, 0, 2)
    assert len(await lease(store, "a")) == len(await lease(store, "b")) == 1


async def test_a_lease_carries_the_event_as_it_was_accepted(store: Store) -> None:
    seq = await store.write(lambda w: w.accept(acceptance("a", id_="é-1", at=5.0)))

    (taken,) = await lease(store, now=5.0)

    assert (taken.seq, taken.attempts, taken.stage, taken.ttl, taken.accepted_at) == (
        seq,
        0,
        Stage.SUBSCRIBER,
        255,
        5.0,
    )
    assert taken.event.attributes["id"] == "é-1"
    assert taken.event.data == b'{"n": 1}'


async def test_a_leased_delivery_is_not_handed_out_again_while_the_lease_runs(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    await lease(store)

    assert await lease(store, now=LONG - 1) == ()


async def test_a_lease_that_ran_out_is_handed_out_again_and_the_first_holder_has_lost_it(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    (first,) = await lease(store)

    (second,) = await lease(store, now=LONG)

    assert second.delivery == first.delivery
    with pytest.raises(errors.LeaseLost):
        await store.write(lambda w: w.settle(settled(first), now=LONG))
    await store.write(lambda w: w.settle(settled(second), now=LONG))
    assert await ledger(store) == (1, 0, 1, 1, 0, 0)


@pytest.mark.parametrize("state", [State.DELIVERED, State.DEAD_LETTERED])
async def test_an_event_that_was_tried_elsewhere_is_kept_with_its_end_and_never_handed_out(
    store: Store, state: State
) -> None:
    attempts = tuple(
        records.Attempt(started_at=float(n), seconds=0.01, code=code, error=None, body=b"no")
        for n, code in enumerate((500, 422))
    )
    fate = records.Fate(acceptance=acceptance("a"), state=state, reason="answered 422", attempts=attempts)

    number = await store.write(lambda w: w.record(fate, now=3.0))

    assert await ledger(store) == (1, 0, 1, state is State.DELIVERED, state is State.DEAD_LETTERED, 0)
    assert await lease(store, now=LONG) == ()
    (event,) = await store.read(lambda r: r.events(limit=9, after=None, type_=None))
    timeline = await store.read(lambda r: r.event(event["seq"]))
    assert timeline is not None
    (kept,) = timeline["deliveries"]
    assert (kept["delivery"], [one["code"] for one in kept["attempts"]]) == (number, [500, 422])


async def test_a_dead_letter_that_was_recorded_can_be_driven_again(store: Store) -> None:
    attempt = records.Attempt(started_at=0.0, seconds=0.01, code=422, error=None, body=b"")
    fate = records.Fate(
        acceptance=acceptance("a"), state=State.DEAD_LETTERED, reason="answered 422", attempts=(attempt,)
    )
    await store.write(lambda w: w.record(fate, now=3.0))

    assert await store.write(lambda w: w.redrive(None, EDGES, now=4.0)) == ("a",)

    assert await ledger(store) == (1, 0, 1, 0, 0, 1)
    assert len(await lease(store, now=4.0)) == 1


async def test_a_delivered_event_is_never_handed_out_again(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    (taken,) = await lease(store)

    await store.write(lambda w: w.settle(settled(taken), now=1.0))

    assert await lease(store, now=10 * LONG) == ()
    with pytest.raises(errors.LeaseLost):
        await store.write(lambda w: w.settle(settled(taken), now=2.0))


async def test_a_failed_attempt_is_due_again_at_its_time_and_remembers_its_number(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    (taken,) = await lease(store)

    await store.write(lambda w: w.settle(settled(taken, State.PENDING, due=7.0, reason="answered 500"), now=1.0))

    assert await lease(store, now=6.9) == ()
    assert await store.write(lambda w: w.next_due("a")) == 7.0
    (again,) = await lease(store, now=7.0)
    assert (again.attempts, again.reason) == (1, "answered 500")


async def test_a_reply_is_accepted_in_the_transaction_that_settles_its_cause(store: Store) -> None:
    seq = await store.write(lambda w: w.accept(acceptance("a")))
    (taken,) = await lease(store)
    reply = acceptance("b", id_="reply", cause=seq)

    number = await store.write(lambda w: w.settle(settled(taken, reply=reply), now=1.0))

    assert await ledger(store) == (2, 0, 2, 1, 0, 1)
    timeline = await store.read(lambda r: r.event(seq))
    assert timeline is not None
    assert timeline["replies"] == [number]


async def test_a_reply_of_a_lost_lease_is_not_accepted(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    (first,) = await lease(store)
    await lease(store, now=LONG)

    with pytest.raises(errors.LeaseLost):
        await store.write(lambda w: w.settle(settled(first, reply=acceptance("b")), now=LONG))

    assert await ledger(store) == (1, 0, 1, 0, 0, 1)


async def test_a_delivery_that_goes_to_its_dead_letter_sink_carries_the_failure_and_counts_anew(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    (taken,) = await lease(store)
    failure = {"knativeerrorcode": 500}

    await store.write(
        lambda w: w.settle(
            settled(taken, State.PENDING, stage=Stage.DEAD_LETTER_SINK, failure=failure, reason="gave up"), now=1.0
        )
    )

    (to_sink,) = await lease(store, now=1.0)
    assert (to_sink.stage, to_sink.attempts) == (Stage.DEAD_LETTER_SINK, 0)
    assert to_sink.event.attributes["knativeerrorcode"] == 500


async def test_a_dead_letter_can_be_driven_again_from_its_first_attempt(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    (taken,) = await lease(store)
    await store.write(lambda w: w.settle(settled(taken, State.DEAD_LETTERED, reason="answered 422"), now=1.0))
    assert await ledger(store) == (1, 0, 1, 0, 1, 0)

    edges = await store.write(lambda w: w.redrive([taken.delivery], EDGES, now=2.0))

    assert edges == ("a",)
    assert await ledger(store) == (1, 0, 1, 0, 0, 1)
    (again,) = await lease(store, now=2.0)
    assert (again.attempts, again.stage, again.reason) == (0, Stage.SUBSCRIBER, "")


async def accept_all(store: Store, *ids: str) -> None:
    await store.write(lambda w: [w.accept(acceptance("a", id_=id_)) for id_ in ids])


async def settle(store: Store, settlement: records.Settlement) -> None:
    await store.write(lambda w: w.settle(settlement, now=0.0))


async def lease_batch(store: Store, *, limit: int = 10, now: float = 0.0) -> list[str]:
    taken = await store.write(lambda w: w.lease_batch("a", limit=limit, now=now, until=now + LONG))
    return [str(one.event.attributes["id"]) for one in taken]


async def test_a_batch_is_whatever_is_due_up_to_its_limit(store: Store) -> None:
    await accept_all(store, *"01234")

    assert [await lease_batch(store, limit=3), await lease_batch(store, limit=3)] == [["0", "1", "2"], ["3", "4"]]


async def test_a_delivery_that_is_to_go_alone_is_in_no_batch_with_others(store: Store) -> None:
    await accept_all(store, *"0123")
    first, second, third, fourth = await lease(store, limit=4)

    for one, alone in ((first, False), (second, True), (third, True), (fourth, False)):
        await settle(store, settled(one, State.PENDING, alone=alone))

    assert [await lease_batch(store) for _ in range(4)] == [["0"], ["1"], ["2"], ["3"]]


async def test_dead_letters_that_are_driven_again_go_one_by_one(store: Store) -> None:
    await accept_all(store, *"01")
    for one in await lease(store, limit=2):
        await settle(store, settled(one, State.DEAD_LETTERED))

    await store.write(lambda w: w.redrive(None, EDGES, now=2.0))

    assert [await lease_batch(store, now=2.0), await lease_batch(store, now=2.0)] == [["0"], ["1"]]


async def test_a_purged_dead_letter_is_off_the_list_and_still_in_the_ledger(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    (taken,) = await lease(store)
    await store.write(lambda w: w.settle(settled(taken, State.DEAD_LETTERED, reason="no"), now=1.0))

    assert await store.write(lambda w: w.purge(None)) == 1

    assert await store.read(lambda r: r.dead_letters()) == []
    assert await ledger(store) == (1, 0, 1, 0, 1, 0)
    assert await store.write(lambda w: w.redrive(None, EDGES, now=2.0)) == ()


async def test_only_dead_letters_can_be_driven_again(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    (taken,) = await lease(store)

    assert await store.write(lambda w: w.redrive([taken.delivery, 999], EDGES, now=1.0)) == ()


async def test_a_dead_letter_of_an_edge_that_the_app_no_longer_has_stays_one(store: Store) -> None:
    for edge in ("a", "gone"):
        await store.write(lambda w, edge=edge: w.accept(acceptance(edge, id_=edge)))  # type: ignore[misc]
        (taken,) = await lease(store, edge)
        await store.write(lambda w, one=taken: w.settle(settled(one, State.DEAD_LETTERED, reason="no"), now=1.0))  # type: ignore[misc]

    assert await store.write(lambda w: w.redrive(None, EDGES, now=2.0)) == ("a",)

    assert await ledger(store) == (2, 0, 2, 0, 1, 1)
    assert [letter["edge"] for letter in await store.read(lambda r: r.dead_letters())] == ["gone"]


async def test_a_partition_is_handed_out_in_order_and_its_first_event_holds_up_the_rest(store: Store) -> None:
    for number in range(3):
        await store.write(lambda w, n=number: w.accept(acceptance("s", id_=str(n))))  # type: ignore[misc]
    (first,) = await store.write(lambda w: w.lease_in_order("s", 0, limit=1, now=0.0, until=LONG))

    assert first.event.attributes["id"] == "0"
    assert await store.write(lambda w: w.lease_in_order("s", 0, limit=9, now=0.0, until=LONG)) == ()
    await store.write(lambda w: w.settle(settled(first, State.PENDING, due=5.0), now=1.0))
    assert await store.write(lambda w: w.lease_in_order("s", 0, limit=9, now=4.0, until=LONG)) == ()
    assert await store.write(lambda w: w.next_due_in_order("s", 0)) == 5.0
    rest = await store.write(lambda w: w.lease_in_order("s", 0, limit=9, now=5.0, until=LONG))
    assert [one.event.attributes["id"] for one in rest] == ["0", "1", "2"]


async def test_the_committed_offset_is_the_first_record_that_is_not_done(store: Store) -> None:
    for number in range(3):
        await store.write(lambda w, n=number: w.accept(acceptance("s", id_=str(n))))  # type: ignore[misc]
    (first, _second, third) = await store.write(lambda w: w.lease_in_order("s", 0, limit=3, now=0.0, until=LONG))

    await store.write(lambda w: w.settle(settled(first), now=1.0))
    await store.write(lambda w: w.settle(settled(third), now=1.0))

    assert await store.read(lambda r: r.partitions("s")) == [{"partition": 0, "end": 3, "committed": 1, "lag": 2}]


async def test_a_bookmark_moves_with_the_event_it_belongs_to(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance(bookmark=("bucket/a/key", "1:2"))))
    assert await store.read(lambda r: r.bookmarks("bucket/a/")) == {"bucket/a/key": "1:2"}

    await store.write(lambda w: w.accept(acceptance(bookmark=("bucket/a/key", None))))

    assert await store.read(lambda r: r.bookmarks("bucket/")) == {}


async def test_after_a_crash_every_lease_is_free_at_once(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    await lease(store)

    assert await store.write(lambda w: w.release_all()) == 1

    assert len(await lease(store)) == 1


async def test_what_waits_for_an_edge_that_is_gone_becomes_a_dead_letter_that_says_so(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a", "gone")))

    assert await store.write(lambda w: w.abandon(["a"], now=1.0)) == 1

    assert await ledger(store) == (1, 0, 2, 0, 1, 1)
    (dead,) = await store.read(lambda r: r.dead_letters())
    assert dead["reason"] == "gone is no longer part of the app"


async def test_a_refused_write_does_not_touch_the_others_of_its_group(store: Store) -> None:
    await store.write(lambda w: w.accept(acceptance("a")))
    (taken,) = await lease(store)
    await store.write(lambda w: w.settle(settled(taken), now=1.0))

    outcomes = await asyncio.gather(
        store.write(lambda w: w.accept(acceptance("a", id_="2"))),
        store.write(lambda w: w.settle(settled(taken), now=2.0)),
        store.write(lambda w: w.accept(acceptance("a", id_="3"))),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], errors.LeaseLost)
    assert await ledger(store) == (3, 0, 3, 1, 0, 2)


async def test_a_failing_write_keeps_nothing_and_says_so(store: Store) -> None:
    def broken(w: Any) -> None:
        w.accept(acceptance("a"))
        raise ZeroDivisionError

    with pytest.raises(errors.StoreError):
        await store.write(broken)

    assert await ledger(store) == (0, 0, 0, 0, 0, 0)


async def test_the_event_list_goes_forward_from_a_number_and_shows_the_newest_without_one(store: Store) -> None:
    for number in range(5):
        await store.write(lambda w, n=number: w.accept(acceptance(id_=str(n))))  # type: ignore[misc]

    newest = await store.read(lambda r: r.events(limit=2, after=None, type_=None))
    forward = await store.read(lambda r: r.events(limit=2, after=1, type_="thing.happened"))

    assert [one["id"] for one in newest] == ["3", "4"]
    assert [one["id"] for one in forward] == ["1", "2"]
    assert await store.read(lambda r: r.events(limit=2, after=0, type_="other")) == []


async def test_the_timeline_shows_attempts_and_lines_in_order(store: Store) -> None:
    seq = await store.write(lambda w: w.accept(acceptance("a")))
    (taken,) = await lease(store)
    await store.write(lambda w: w.settle(settled(taken, State.PENDING, due=0.0, reason="x"), now=1.0))
    (taken,) = await lease(store, now=1.0)
    await store.write(lambda w: w.settle(settled(taken), now=2.0))
    lines = [records.LogLine(event=seq, at=float(n), function="f", stream="stdout", line=str(n)) for n in range(3)]

    await store.write(lambda w: logbook.write(w.connection, lines))

    timeline = await store.read(lambda r: r.event(seq))
    assert timeline is not None
    assert [one["number"] for one in timeline["deliveries"][0]["attempts"]] == [1, 2]
    assert [one["line"] for one in timeline["logs"]] == ["0", "1", "2"]
    assert timeline["data"] == {"n": 1}
    assert await store.read(lambda r: r.event(999)) is None
