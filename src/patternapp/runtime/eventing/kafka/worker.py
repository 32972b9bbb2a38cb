"""One member of a consumer group, inside `dev`: the cluster's reader, the one core, and the app's own function."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import TYPE_CHECKING, Any

from patternapp.consume import orders
from patternapp.consume.backlog import Backlog
from patternapp.consume.consumer import Consumer
from patternapp.consume.memory import MemoryLog
from patternapp.consume.scaling import Scaling
from patternapp.delivery import Outcome
from patternapp.runtime.eventing.kafka.journal import Journal
from patternapp.runtime.eventing.worker import Head
from patternapp_services.worker import limits
from patternapp_services.worker.kafka import KafkaReader

if TYPE_CHECKING:
    from patternapp.consume.items import Item
    from patternapp.plan import model
    from patternapp.runtime.eventing.engine import Engine
    from patternapp_services import connections

SESSION = 6.0
"""Seconds after which the group misses a `dev` that was killed: the least that a broker grants by default."""
LOOK = 0.5
"""Seconds between two looks at the ends of the partitions, which the control API shows."""
LEAVE = 2.0
"""Seconds in which the last commit is made and the group left; less than `dev` has for its end."""


class _Head(Head["Item"]):
    """The function; where no dead-letter sink is named, dead letters are kept by the journal."""

    async def bury(self, letter: Item) -> Outcome:
        if self._consume.dead_letter is None:
            return Outcome(destination="", code=202)
        return await super().bury(letter)


class KafkaWorker:
    """Feeds one function from the topics of one queue or stream. To be made in the loop that runs it."""

    def __init__(
        self, consume: model.Consume, log: connections.Kafka, engine: Engine, *, secrets: connections.Secrets
    ) -> None:
        self._log = log
        self._engine = engine
        count = consume.batch_max or 1
        batching = orders.Batching(count=count, size=limits.BATCH_BYTES, wait=consume.batch_wait)
        order = orders.Ordered(batching) if consume.ordered else orders.Unordered(batching)
        self._backlog = Backlog(order, consume.delivery, None if consume.ordered else _scaling(consume))
        usual = limits.Limits(session=SESSION, look=LOOK, leave=LEAVE, hand_over=LEAVE)
        self._reader = KafkaReader(
            log,
            secrets,
            function=consume.head,
            limits=dataclasses.replace(usual, held=max(usual.held, count * (consume.max + 1))),
        )
        self._memory = MemoryLog(self._backlog, clock=time.monotonic, done=self._reader.done)
        self._journal = Journal(self._memory, consume, engine)
        self._consumer = Consumer(
            self._journal,
            _Head(consume, engine.caller, number=lambda _: None),
            spec=consume.delivery,
            concurrency=consume.max,
        )

    async def run(self) -> None:
        """Take batches until the task is cancelled; then commit what is done, and leave the group at once."""
        self._reader.start(self._memory)
        try:
            await self._consumer.run(asyncio.Event(), grace=lambda: self._engine.grace.left("deliveries"))
        finally:
            await self._reader.stop()

    def trouble(self) -> str:
        """Why nothing comes any more; empty where it does."""
        return self._reader.trouble()

    def queue(self, kept: dict[str, Any]) -> dict[str, Any]:
        """A queue as the control API shows it: what is in Kafka, beside what the store holds for the hand-over."""
        places = self._reader.places()
        leased, delayed = sum(place.in_flight for place in places), self._journal.delayed
        waiting = max(0, sum(place.lag or 0 for place in places) - leased - delayed)
        return kept | {
            "waiting": kept["waiting"] + waiting,
            "leased": kept["leased"] + leased,
            "delayed": kept["delayed"] + delayed,
            "kafka": {"topic": self._log.names[0], "consumerGroup": self._log.consumer_group, "handOver": _depth(kept)},
        }

    def partitions(self) -> list[dict[str, Any]]:
        """A stream's partitions as the control API shows them, those of which everything is known."""
        return [
            {
                "topic": place.topic,
                "partition": place.number,
                "end": place.end,
                "committed": place.low,
                "lag": place.lag,
            }
            for place in sorted(self._reader.places(), key=lambda place: (place.topic, place.number))
            if place.lag is not None
        ]


def _scaling(consume: model.Consume) -> Scaling:
    return Scaling(lag=consume.lag, most=consume.max)


def _depth(kept: dict[str, Any]) -> int:
    return int(kept["waiting"] + kept["leased"] + kept["delayed"])
