"""What came out of Kafka, in the store: once, with how it ended and every attempt."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import runtime_parts

from patternapp import delivery
from patternapp.cloudevents import with_attributes
from patternapp.consume import backlog, items, memory, orders
from patternapp.consume.log import Settled
from patternapp.plan import model
from patternapp.runtime.eventing.kafka.journal import Journal
from patternapp_services.worker import partitions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from patternapp.runtime.eventing.engine import Engine

EDGE = "stream/clicks"
SPEC = delivery.DeliverySpec(retry=1, backoff_policy="linear", backoff_delay=0.0)
PLAN = runtime_parts.plan_of(runtime_parts.stream("clicks", "clicks"))
NOW = 100.0


class Rig:
    """A journal over a partition in memory, whose clock stands still."""

    def __init__(self, engine: Engine, notebook: runtime_parts.Notebook, *, dead_letter: str | None = None) -> None:
        self.engine = engine
        self.failures = notebook.failures
        self.done: list[items.Item] = []
        batching = orders.Batching(count=2, size=10_000, wait=0.0)
        held = backlog.Backlog(orders.Unordered(batching), SPEC)
        self.log = memory.MemoryLog(held, clock=lambda: NOW, done=self.end)
        self.partition = partitions.Partition("clicks", 3, now=NOW)
        edge = model.Consume(
            key=f"{EDGE}/worker",
            tail=EDGE,
            head="function/f",
            delivery=SPEC,
            dead_letter=dead_letter,
            batch_max=2,
            batch_wait=0.0,
            ordered=False,
            min=0,
            max=1,
            lag=100,
            idle=60.0,
        )
        self.journal = Journal(self.log, edge, engine)

    def end(self, done: Sequence[items.Item]) -> None:
        self.done += done

    def arrive(self, *ids: str) -> None:
        events = [runtime_parts.event("click", id=id_) for id_ in ids]
        self.log.arrive([items.Item(event, self.partition, 40 + n, 10, NOW) for n, event in enumerate(events)])

    async def settle(self, batch: Sequence[items.Item], *codes: int) -> None:
        outcomes = [delivery.Outcome(destination="f", code=code, body=b"no") for code in codes]
        await self.journal.settle(
            [
                Settled(item, outcome, delivery.decide(outcome, attempt=item.attempts + 1, spec=SPEC))
                for item, outcome in zip(batch, outcomes, strict=True)
            ]
        )

    async def kept(self) -> list[dict[str, Any]]:
        """The events of the store, with all that is known of each."""
        listed = await self.engine.store.read(lambda reads: reads.events(limit=10, after=None, type_=None))
        return [await self.event(one["seq"]) for one in listed]

    async def event(self, seq: int) -> dict[str, Any]:
        known = await self.engine.store.read(lambda reads: reads.event(seq))
        assert known is not None
        return known

    async def ledger(self) -> tuple[int, int, int, int]:
        known = await self.engine.store.read(lambda reads: reads.ledger())
        assert known.balanced
        return known.accepted, known.delivered, known.dead_lettered, known.pending


@pytest.fixture
async def engine(
    tmp_path: Path, clock: runtime_parts.HandClock, notebook: runtime_parts.Notebook
) -> AsyncIterator[Engine]:
    async with runtime_parts.engine_of(PLAN, folder=tmp_path, clock=clock, listener=notebook) as made:
        yield made


@pytest.fixture
def rig(engine: Engine, notebook: runtime_parts.Notebook) -> Rig:
    return Rig(engine, notebook)


async def test_a_record_is_in_the_store_once_it_is_done_and_then_its_offset_may_be_committed(rig: Rig) -> None:
    rig.arrive("1", "2")
    batch = await rig.journal.take()
    assert await rig.ledger() == (0, 0, 0, 0)

    await rig.settle(batch, 204, 500)

    assert [item.position for item in rig.done] == [40]
    assert await rig.ledger() == (1, 1, 0, 0)
    (event,) = await rig.kept()
    assert (event["id"], event["origin"]) == ("1", "kafka/clicks/3/40")
    assert [(one["edge"], one["state"]) for one in event["deliveries"]] == [(EDGE, "delivered")]


async def test_the_attempts_before_are_kept_with_the_last(rig: Rig) -> None:
    rig.arrive("1")
    await rig.settle(await rig.journal.take(), 500)
    assert rig.journal.delayed == 1

    await rig.settle(await rig.journal.take(), 204)

    assert rig.journal.delayed == 0
    (event,) = await rig.kept()
    assert [one["code"] for one in event["deliveries"][0]["attempts"]] == [500, 204]


async def test_a_failure_is_told_with_what_comes_next(rig: Rig) -> None:
    rig.arrive("1")

    await rig.settle(await rig.journal.take(), 500)

    ((edge, settlement),) = rig.failures
    assert (edge, settlement.state.name, settlement.reason) == (EDGE, "PENDING", "answered 500: no")


async def test_a_record_that_is_given_up_is_a_dead_letter_as_it_came(rig: Rig) -> None:
    rig.arrive("1")
    await rig.settle(await rig.journal.take(), 422)
    assert await rig.ledger() == (0, 0, 0, 0)

    (letter,) = await rig.journal.take()
    await rig.settle([letter], 202)

    assert await rig.ledger() == (1, 0, 1, 0)
    (dead,) = await rig.engine.store.read(lambda reads: reads.dead_letters())
    assert (dead["edge"], dead["reason"], dead["code"], dead["attempts"]) == (EDGE, "answered 422: no", 422, 1)
    (event,) = await rig.kept()
    assert not any(name.startswith("knative") for name in event["attributes"])
    assert rig.failures[-1][1].delivery == dead["delivery"]


async def test_the_attempts_at_a_dead_letter_sink_are_kept_too(
    engine: Engine, notebook: runtime_parts.Notebook
) -> None:
    rig = Rig(engine, notebook, dead_letter="http://127.0.0.1:9/")
    rig.arrive("1")
    await rig.settle(await rig.journal.take(), 422)

    await rig.settle(await rig.journal.take(), 202)

    (event,) = await rig.kept()
    assert [one["code"] for one in event["deliveries"][0]["attempts"]] == [422, 202]


async def test_a_record_that_is_no_cloudevent_is_a_dead_letter_that_says_why(rig: Rig) -> None:
    failure = delivery.error_attributes(delivery.Outcome(destination="f", code=400, body=b"id: is missing"))
    assert failure["knativeerrordata"] == base64.b64encode(b"id: is missing").decode()
    event = with_attributes(runtime_parts.event("wrapped"), **failure)
    rig.log.arrive([items.Item(event, rig.partition, 40, 10, NOW, last_words=True)])

    await rig.settle(await rig.journal.take(), 202)

    (dead,) = await rig.engine.store.read(lambda reads: reads.dead_letters())
    assert (dead["reason"], dead["code"]) == ("answered 400: id: is missing", 400)


async def test_a_record_of_a_partition_that_went_is_forgotten_undone(rig: Rig) -> None:
    rig.arrive("1")
    batch = await rig.journal.take()
    rig.log.drop(rig.partition)

    await rig.settle(batch, 500)

    assert (await rig.ledger(), rig.done) == ((0, 0, 0, 0), [])
