"""From the store to a topic: what the Broker gave to a queue or a stream becomes a record, as `enqueue` writes it.

What holds here:

* A hand-over is delivered once all in-sync replicas have the record. Until then it is pending in the store, so `dev`
  may be killed, and Kafka may be away as long as the delivery is patient; then it is a dead letter, as on a cluster.
* Where order was asked for, an event is not written before the earlier ones of its partition in the store are.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import TYPE_CHECKING

from patternapp import delivery, errors
from patternapp.delivery import Outcome
from patternapp.runtime.eventing.broker import PARTITIONS
from patternapp_services.enqueue import writers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.delivery import DeliverySpec
    from patternapp.plan import model
    from patternapp.runtime.eventing.caller import Caller
    from patternapp.runtime.store.records import Lease

AT_ONCE = 64
"""Events that are written together at most."""
TOO_LARGE = 413
"""As `enqueue` answers what the topic will never take."""


def edge(consume: model.Consume, *, delivery: DeliverySpec, dead_letter: str | None) -> model.Consume:
    """How a hand-over is taken from the store: in the order of who reads the topic, with a delivery of its own."""
    return dataclasses.replace(
        consume,
        delivery=delivery,
        dead_letter=dead_letter,
        batch_max=AT_ONCE,
        batch_wait=0.0,
        max=PARTITIONS,
        lag=1,
    )


class HandOver:
    """A `consume.consumer.Target` that is a topic.

    Args:
        consume: The hand-over's edge.
        topic: The topic's name.
        writer: Who writes to it.
        caller: Who calls the dead-letter sink.
    """

    def __init__(self, consume: model.Consume, topic: str, *, writer: writers.Writer, caller: Caller) -> None:
        self._consume = consume
        self._topic = topic
        self._writer = writer
        self._caller = caller

    async def call(self, deliveries: Sequence[Lease]) -> Sequence[Outcome]:
        if not self._consume.ordered:
            return await asyncio.gather(*(self._write(one) for one in deliveries))
        outcomes: list[Outcome] = []
        for one in deliveries:
            if outcomes and outcomes[-1].error is not None:
                outcomes.append(self._outcome(error="an event before it was not written"))
            else:
                outcomes.append(await self._write(one))
        return outcomes

    async def bury(self, letter: Lease) -> Outcome:
        consume = self._consume
        within = consume.delivery.timeout
        outcome = await self._caller.bury(consume.dead_letter, letter.event, number=letter.seq, within=within)
        return dataclasses.replace(outcome, reply=None)

    async def _write(self, lease: Lease) -> Outcome:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._consume.delivery.timeout):
                await self._writer.write(lease.event)
        except writers.TooLarge as error:
            outcome = self._outcome(TOO_LARGE, str(error))
        except errors.CloudEventError as error:
            outcome = self._outcome(delivery.UNREADABLE, str(error))
        except (writers.NotWritten, TimeoutError) as error:
            outcome = self._outcome(error=str(error) or "Kafka did not acknowledge it in time")
        else:
            outcome = self._outcome(202, f"in the topic {self._topic}")
        return dataclasses.replace(outcome, seconds=time.monotonic() - began)

    def _outcome(self, code: int | None = None, said: str = "", *, error: str | None = None) -> Outcome:
        return Outcome(destination=f"kafka:{self._topic}", code=code, body=said.encode(), error=error)
