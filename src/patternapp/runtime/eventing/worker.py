"""The embedded queues' and streams' worker: `consume.consumer` between the store's leases and a function's pool.

What holds here: each event of a batch is settled on its own. None is dead-lettered for a verdict that it shares: it
goes to the function alone before (docs/adr/0013-no-event-dies-for-its-neighbor.md).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Generic

from patternapp.consume import verdicts
from patternapp.consume.consumer import Consumer
from patternapp.consume.log import D
from patternapp.runtime.eventing.leases import Leases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from patternapp.consume.consumer import Target
    from patternapp.delivery import Outcome
    from patternapp.plan import model
    from patternapp.runtime.eventing.caller import Caller
    from patternapp.runtime.eventing.engine import Engine
    from patternapp.runtime.store.records import Lease


class Head(Generic[D]):
    """A `consume.consumer.Target`: the function of a Consume edge, and its dead-letter sink.

    Args:
        consume: The edge.
        caller: Who calls.
        number: The number of a delivery's event, where it has one.
    """

    def __init__(self, consume: model.Consume, caller: Caller, *, number: Callable[[D], int | None]) -> None:
        self._consume = consume
        self._caller = caller
        self._number = number

    async def call(self, deliveries: Sequence[D]) -> Sequence[Outcome]:
        consume, number = self._consume, self._number(deliveries[0])
        events = [one.event for one in deliveries]
        if consume.batch_max is not None:
            within = consume.delivery.timeout
            outcome = await self._caller.call_batch(consume.head, events, number=number, within=within)
            return verdicts.split(outcome, events)
        # Without batches there is one at a time.
        outcome = await self._caller.call(consume.head, events[0], number=number, within=consume.delivery.timeout)
        # A queue or a stream has no Broker to reply to (Knative's KafkaSource ignores replies too).
        return (replace(outcome, reply=None),)

    async def bury(self, letter: D) -> Outcome:
        consume, number = self._consume, self._number(letter)
        within = consume.delivery.timeout
        outcome = await self._caller.bury(consume.dead_letter, letter.event, number=number, within=within)
        return replace(outcome, reply=None)


class Worker:
    """Takes what waits in the store for a queue or a stream to its function.

    Args:
        consume: How it is taken.
        engine: Where from.
        target: Where to, if not to the edge's function.
        edge: Under which key it waits, if not the queue's or stream's own.
    """

    def __init__(
        self, consume: model.Consume, engine: Engine, *, target: Target[Lease] | None = None, edge: str | None = None
    ) -> None:
        self._engine = engine
        self._consumer = Consumer(
            Leases(consume, edge or consume.tail, engine),
            target or Head(consume, engine.caller, number=_seq),
            spec=consume.delivery,
            concurrency=consume.max,
        )

    @property
    def under_way(self) -> int:
        """How many batches are under way."""
        return self._consumer.under_way

    async def run(self) -> None:
        """Take batches until the task is cancelled; what is under way then gets the engine's grace to finish."""
        await self._consumer.run(asyncio.Event(), grace=lambda: self._engine.grace.left("deliveries"))


def _seq(lease: Lease) -> int:
    return lease.seq
