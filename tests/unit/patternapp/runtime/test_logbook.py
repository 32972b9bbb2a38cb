"""Lines of functions on their way into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import runtime_parts

from patternapp.runtime.bells import Bells
from patternapp.runtime.eventing.broker import Broker
from patternapp.runtime.logbook import Logbook
from patternapp.runtime.store.records import LogLine

if TYPE_CHECKING:
    from patternapp.runtime.store.commits import Store


def line(text: str) -> LogLine:
    return LogLine(event=1, at=0.0, function="f", stream="stdout", line=text)


async def kept(store: Store) -> list[str]:
    known = await store.read(lambda reads: reads.event(1))
    assert known is not None
    return [one["line"] for one in known["logs"]]


async def test_lines_are_kept_in_order_with_their_event(store: Store, clock: runtime_parts.HandClock) -> None:
    logbook = Logbook(store)
    await Broker(runtime_parts.plan_of(), store=store, bells=Bells(), clock=clock).publish(
        runtime_parts.event(), origin="test"
    )

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
    await Broker(runtime_parts.plan_of(), store=store, bells=Bells(), clock=clock).publish(
        runtime_parts.event(), origin="test"
    )
    await runtime_parts.fill_up(store)
    logbook.add(line("x" * 100_000))
    await logbook.flush()
    assert await kept(store) == []

    await runtime_parts.make_room(store)
    logbook.add(line("y"))
    await logbook.flush()

    assert await kept(store) == ["x" * 100_000, "y"]
