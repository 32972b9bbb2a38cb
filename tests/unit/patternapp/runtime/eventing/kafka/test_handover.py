"""From the store to a topic: what each answer of the topic means, and the order of the writes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import runtime_parts

from patternapp import errors
from patternapp.delivery import DeliverySpec
from patternapp.plan import model
from patternapp.runtime.eventing.caller import Caller
from patternapp.runtime.eventing.kafka import handover
from patternapp.runtime.functions.model import PoolSettings
from patternapp.runtime.functions.pool import FunctionPool
from patternapp.runtime.functions.reporter import Reporter
from patternapp.runtime.store.logbook import Logbook
from patternapp.runtime.store.records import Lease, Stage
from patternapp.sender import Sender
from patternapp_services.enqueue import writers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from patternapp.cloudevents import Event
    from patternapp.runtime.store.commits import Store

SPEC = DeliverySpec(retry=2)
CONSUME = model.Consume(
    key="queue/work/worker",
    tail="queue/work",
    head="function/f",
    delivery=DeliverySpec(retry=9),
    dead_letter=None,
    batch_max=20,
    batch_wait=3.0,
    ordered=False,
    min=0,
    max=9,
    lag=100,
    idle=60.0,
)


class Topic:
    """A `Writer` that keeps the ids of events, and fails at some."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.fails: dict[str, Exception] = {}

    async def write(self, event: Event[bytes | None]) -> None:
        id_ = str(event.attributes["id"])
        if id_ in self.fails:
            raise self.fails[id_]
        self.ids.append(id_)

    async def close(self) -> None:
        """There is nothing to let go of."""


@pytest.fixture
async def caller(tmp_path: Path, store: Store, notebook: runtime_parts.Notebook) -> AsyncIterator[Caller]:
    pool = FunctionPool((), PoolSettings(folder=tmp_path, env={}), listener=Reporter(notebook, Logbook(store)))
    async with Sender() as sender:
        yield Caller(runtime_parts.plan_of(), pool=pool, sender=sender)


def leases(*ids: str) -> list[Lease]:
    return [
        Lease(
            delivery=number,
            token=1,
            seq=number,
            event=runtime_parts.event("job", id=id_),
            attempts=0,
            stage=Stage.SUBSCRIBER,
            partition=0,
            ttl=255,
            reason="",
            accepted_at=0.0,
        )
        for number, id_ in enumerate(ids, 1)
    ]


def into(topic: Topic, caller: Caller, *, ordered: bool = False) -> handover.HandOver:
    edge = handover.edge(dataclasses.replace(CONSUME, ordered=ordered), delivery=SPEC, dead_letter=None)
    return handover.HandOver(edge, "jobs", writer=topic, caller=caller)


def test_a_hand_over_has_a_delivery_of_its_own_and_the_order_of_the_worker() -> None:
    edge = handover.edge(dataclasses.replace(CONSUME, ordered=True), delivery=SPEC, dead_letter="function/dead")

    assert (edge.delivery, edge.dead_letter, edge.ordered, edge.batch_wait) == (SPEC, "function/dead", True, 0.0)


@pytest.mark.parametrize("ordered", [False, True])
async def test_what_the_topic_acknowledged_is_handed_over(caller: Caller, *, ordered: bool) -> None:
    topic = Topic()

    outcomes = await into(topic, caller, ordered=ordered).call(leases("1", "2"))

    assert [(one.code, one.body) for one in outcomes] == [(202, b"in the topic jobs")] * 2
    assert topic.ids == ["1", "2"]


@pytest.mark.parametrize(
    ("failure", "code", "error"),
    [
        (writers.NotWritten("Kafka does not answer"), None, "Kafka does not answer"),
        (writers.TooLarge("it is too large"), 413, None),
        (errors.CloudEventError("id", "is empty"), 400, None),
    ],
)
async def test_what_the_topic_did_not_take_is_tried_again_unless_it_never_will(
    caller: Caller, failure: Exception, code: int | None, error: str | None
) -> None:
    topic = Topic()
    topic.fails["2"] = failure

    done, failed = await into(topic, caller).call(leases("1", "2"))

    assert done.code == 202
    assert (failed.code, failed.error) == (code, error)


async def test_in_order_nothing_is_written_behind_an_event_that_was_not(caller: Caller) -> None:
    topic = Topic()
    topic.fails["2"] = writers.NotWritten("away")

    outcomes = await into(topic, caller, ordered=True).call(leases("1", "2", "3", "4"))

    assert [one.code for one in outcomes] == [202, None, None, None]
    assert topic.ids == ["1"]


async def test_in_order_an_event_that_the_topic_never_takes_holds_up_nobody(caller: Caller) -> None:
    topic = Topic()
    topic.fails["1"] = writers.TooLarge("it is too large")

    outcomes = await into(topic, caller, ordered=True).call(leases("1", "2"))

    assert [one.code for one in outcomes] == [413, 202]


async def test_without_a_sink_there_is_nobody_to_bury_a_letter(caller: Caller) -> None:
    assert (await into(Topic(), caller).bury(leases("1")[0])).code == 410
