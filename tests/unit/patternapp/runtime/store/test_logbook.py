"""Lines of functions on their way into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import runtime_parts

from patternapp.runtime.bells import Bells
from patternapp.runtime.eventing.broker import Broker
from patternapp.runtime.store import logbook as logbooks
from patternapp.runtime.store.logbook import Logbook
from patternapp.runtime.store.records import LogLine

if TYPE_CHECKING:
    from patternapp.runtime.store.commits import Store


def line(text: str) -> LogLine:
    return LogLine(event=1, at=0.0, function="f", stream="stdout", line=text)


async def publish(store: Store, clock: runtime_parts.HandClock) -> None:
    broker = Broker(runtime_parts.plan_of(), store=store, bells=Bells(), clock=clock)
    await broker.publish(runtime_parts.event(), origin="test")


async def kept(store: Store) -> list[str]:
    known = await store.read(lambda reads: reads.event(1))
    assert known is not None
    return [one["line"] for one in known["logs"]]


async def test_lines_are_kept_in_order_with_their_event(store: Store, clock: runtime_parts.HandClock) -> None:
    logbook = Logbook(store)
    await publish(store, clock)

    for number in range(3):
        logbook.add(line(str(number)))
    await logbook.flush()
    logbook.add(line("3"))
    await logbook.flush()

    assert await kept(store) == ["0", "1", "2", "3"]


async def test_lines_that_could_not_be_written_are_written_with_the_next(
    store: Store, clock: runtime_parts.HandClock
) -> None:
    logbook = Logbook(store)
    await publish(store, clock)
    await runtime_parts.fill_up(store)
    logbook.add(line("x" * 60_000))
    await logbook.flush()
    assert await kept(store) == []

    await runtime_parts.make_room(store)
    logbook.add(line("y"))
    await logbook.flush()

    assert await kept(store) == ["x" * 60_000, "y"]


async def test_an_event_keeps_its_first_lines_and_says_that_there_were_more(
    store: Store, clock: runtime_parts.HandClock
) -> None:
    logbook = Logbook(store)
    await publish(store, clock)

    for number in range(logbooks.LINES + 5):
        logbook.add(line(str(number)))
        if number % 400 == 0:
            await logbook.flush()
    await logbook.flush()
    logbook.add(line("one more"))
    await logbook.flush()

    assert await kept(store) == [*(str(number) for number in range(logbooks.LINES)), logbooks.CUT]


async def test_an_event_keeps_so_many_bytes_of_lines_and_the_beginning_of_the_next(
    store: Store, clock: runtime_parts.HandClock
) -> None:
    logbook = Logbook(store)
    await publish(store, clock)

    for text in ("ä" * 20_000, "b" * 60_000, "c", "d"):
        logbook.add(line(text))
    await logbook.flush()

    assert await kept(store) == ["ä" * 20_000, "b" * (logbooks.BYTES - 40_001), logbooks.CUT]


async def test_a_line_of_an_event_that_was_forgotten_is_dropped(store: Store) -> None:
    logbook = Logbook(store)
    logbook.add(line("late"))

    await logbook.flush()

    assert await store.read(lambda reads: reads.connection.execute("SELECT count(*) FROM logs").fetchall()) == [(0,)]
