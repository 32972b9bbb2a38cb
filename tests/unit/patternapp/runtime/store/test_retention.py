"""What is over is forgotten after its time, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import runtime_parts
from runtime_parts import EPOCH

from patternapp.runtime.store import logbook, records, retention
from patternapp.runtime.store.records import LogLine, State
from patternapp.runtime.store.retention import Retention

if TYPE_CHECKING:
    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import Lease, Ledger

HOUR = 3600.0
COUNTS = """
  SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM deliveries), (SELECT count(*) FROM attempts),
    (SELECT count(*) FROM logs)
"""


@pytest.fixture
def keeping(store: Store, clock: runtime_parts.HandClock) -> Retention:
    """For an hour, and 1,000 at most."""
    return Retention(store, keep=HOUR, newest=1_000, clock=clock)


async def accept(store: Store, *edges: str, at: float = EPOCH, data: bytes = b"{}") -> int:
    event = runtime_parts.event("thing", data)
    targets = tuple(records.Target(edge) for edge in edges)
    acceptance = records.Acceptance(event=event, targets=targets, ttl=255, at=at, origin="test")
    return await store.write(lambda w: w.accept(acceptance))


async def lease(store: Store, edge: str = "a", *, now: float = EPOCH) -> Lease:
    (taken,) = await store.write(lambda w: w.lease(edge, limit=1, now=now, until=now + HOUR))
    return taken


async def end(store: Store, state: State = State.DELIVERED, *, edge: str = "a", at: float = EPOCH) -> None:
    """End the delivery of an edge that is due first."""
    taken = await lease(store, edge, now=at)
    attempt = records.Attempt(started_at=at, seconds=0.01, code=204, error=None, body=b"")
    settlement = records.Settlement(delivery=taken.delivery, token=taken.token, attempt=attempt, state=state, due=at)
    await store.write(lambda w: w.settle(settlement, now=at))


async def ledger(store: Store) -> Ledger:
    known = await store.read(lambda r: r.ledger())
    assert known.balanced
    return known


async def kept(store: Store) -> list[int]:
    return [event["seq"] for event in await store.read(lambda r: r.events(limit=1_000, after=0, type_=None))]


async def rows(store: Store) -> tuple[Any, ...]:
    (row,) = await store.read(lambda r: r.connection.execute(COUNTS).fetchall())
    return row


async def test_what_is_over_goes_after_its_time_with_all_that_belongs_to_it(
    store: Store, clock: runtime_parts.HandClock, keeping: Retention
) -> None:
    seq = await accept(store, "a")
    await end(store)
    printed = [LogLine(event=seq, at=EPOCH, function="f", stream="stdout", line="hello")]
    await store.write(lambda w: logbook.write(w.connection, printed))
    await accept(store)

    clock.at = EPOCH + HOUR + 1
    await keeping.sweep()

    assert await rows(store) == (0, 0, 0, 0)


async def test_what_is_over_is_kept_for_its_time(
    store: Store, clock: runtime_parts.HandClock, keeping: Retention
) -> None:
    await accept(store, "a")
    await end(store, at=EPOCH + HOUR / 2)

    clock.at = EPOCH + HOUR + 1
    await keeping.sweep()

    assert await kept(store) == [1]


async def test_what_is_pending_and_dead_letters_are_never_forgotten(
    store: Store, clock: runtime_parts.HandClock, keeping: Retention
) -> None:
    for _ in range(3):
        await accept(store, "a", "b")
    await end(store)
    await end(store, State.DEAD_LETTERED)
    await end(store)
    await end(store, edge="b")
    await end(store, edge="b")

    clock.at = EPOCH + 1_000 * HOUR
    await keeping.sweep()

    assert await kept(store) == [2, 3]


async def test_a_dead_letter_that_was_purged_is_over(
    store: Store, clock: runtime_parts.HandClock, keeping: Retention
) -> None:
    await accept(store, "a")
    await end(store, State.DEAD_LETTERED)
    await store.write(lambda w: w.purge(None))

    clock.at = EPOCH + HOUR + 1
    await keeping.sweep()

    assert await kept(store) == []


async def test_the_ledger_counts_what_was_forgotten(
    store: Store, clock: runtime_parts.HandClock, keeping: Retention
) -> None:
    for _ in range(4):
        await accept(store, "a")
    await accept(store)
    await end(store)
    await end(store)
    await end(store, State.DEAD_LETTERED)
    before = await ledger(store)

    clock.at = EPOCH + HOUR + 1
    await keeping.sweep()

    assert await kept(store) == [3, 4]
    assert await ledger(store) == before


async def test_of_what_is_over_only_the_newest_are_kept_however_young(
    store: Store, clock: runtime_parts.HandClock
) -> None:
    for _ in range(6):
        await accept(store, "a")
    for _ in range(5):
        await end(store)

    await Retention(store, keep=HOUR, newest=3, clock=clock).sweep()

    assert await kept(store) == [4, 5, 6]


async def test_many_are_forgotten_in_many_small_writes(
    store: Store, clock: runtime_parts.HandClock, keeping: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PAUSE", 0)
    monkeypatch.setattr(retention, "LOOK", 7)
    monkeypatch.setattr(retention, "ROWS", 10)
    sizes: list[int] = []
    forget = retention.forget

    def counted(connection: object, seqs: tuple[int, ...]) -> None:
        sizes.append(len(seqs))
        forget(connection, seqs)  # type: ignore[arg-type]

    monkeypatch.setattr(retention, "forget", counted)
    for _ in range(40):
        await accept(store)
    pending = await accept(store, "a")

    clock.at = EPOCH + HOUR + 1
    await keeping.sweep()

    assert await kept(store) == [pending]
    assert len(sizes) >= 40 / 7
    assert max(sizes) <= 7


async def test_sweeping_again_changes_nothing(store: Store, clock: runtime_parts.HandClock, keeping: Retention) -> None:
    await accept(store, "a")
    await accept(store)
    clock.at = EPOCH + HOUR + 1
    await keeping.sweep()

    await keeping.sweep()

    assert await kept(store) == [1]
    assert (await ledger(store)).accepted == 2


async def test_an_event_that_was_forgotten_never_gives_its_number_to_another(
    store: Store, clock: runtime_parts.HandClock, keeping: Retention
) -> None:
    first = await accept(store)
    clock.at = EPOCH + HOUR + 1
    await keeping.sweep()

    assert await accept(store) == first + 1


async def pages(store: Store) -> int:
    return int(await store.read(lambda r: r.connection.pragma("page_count")))


async def test_the_file_gives_back_the_room_that_it_does_not_need(
    store: Store, clock: runtime_parts.HandClock, keeping: Retention
) -> None:
    for _ in range(40):
        await accept(store, data=b"x" * 256 * 1024)
    before = await pages(store)

    clock.at = EPOCH + HOUR + 1
    await keeping.sweep()

    assert before > 2 * retention.SPARE
    assert await pages(store) <= retention.SPARE + retention.PAGES
