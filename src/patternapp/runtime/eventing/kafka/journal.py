"""What came out of Kafka, in the store: each record with its attempts, once its fate is known.

What holds here:

* Kafka is the log, and the only truth about what waits. A record comes into the store in the one transaction that
  also says how it ended, so the ledger balances, and a record that was under way when `dev` died is in it once.
* It is in the store before its offset is committed: no dead letter is lost on the way.
* What attempts there were is in memory until then, as with every worker of Kafka.
"""

from __future__ import annotations

import base64
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from patternapp import delivery
from patternapp.cloudevents import Event
from patternapp.runtime.eventing import verdicts
from patternapp.runtime.eventing.broker import FIRST_TTL
from patternapp.runtime.store.records import Acceptance, Attempt, Fate, Settlement, State, Target
from patternapp_services.worker.partitions import Partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.consume.items import Item
    from patternapp.consume.log import Settled
    from patternapp.consume.memory import MemoryLog
    from patternapp.plan import model
    from patternapp.runtime.eventing.engine import Engine

_FAILURE = ("knativeerrordest", "knativeerrorcode", "knativeerrordata")


@dataclass(slots=True)
class _Story:
    """One record so far: the event as it came, and what was tried."""

    event: Event[bytes | None]
    reason: str = ""
    attempts: list[Attempt] = field(default_factory=list)


class Journal:
    """A `consume.log.Log` over Kafka's, which keeps in the store how each record ended.

    Args:
        log: Kafka's records.
        consume: Who takes them.
        engine: Where it is kept, and who is told of failures.
    """

    def __init__(self, log: MemoryLog, consume: model.Consume, engine: Engine) -> None:
        self._log = log
        self._consume = consume
        self._engine = engine
        # A record that is given back to Kafka is forgotten by whoever holds it, and then here.
        self._stories: weakref.WeakKeyDictionary[Item, _Story] = weakref.WeakKeyDictionary()
        self._failed: weakref.WeakSet[Item] = weakref.WeakSet()

    @property
    def delayed(self) -> int:
        """Records that failed and wait for their next attempt."""
        return len(self._failed)

    async def take(self) -> Sequence[Item]:
        taken = await self._log.take()
        self._failed.difference_update(taken)
        return taken

    async def settle(self, settled: Sequence[Settled[Item]]) -> None:
        now = self._engine.clock.now()
        ended: list[tuple[Settled[Item], Fate]] = []
        for one in settled:
            story = self._told(one, now)
            if isinstance(one.decision, delivery.Ack):
                ended.append((one, self._fate(one.delivery, story, now)))
            else:
                self._failed.add(one.delivery)
                self._tell(one, now)
        if ended:
            edge = self._consume.tail
            numbers = await self._engine.persist(
                lambda writes: [writes.record(fate, now=now) for _, fate in ended], edge=edge
            )
            for number, (_, fate) in zip(numbers, ended, strict=True):
                if fate.state is State.DEAD_LETTERED:
                    self._engine.listener.failed(edge, _settlement(fate, number), now=now)
        await self._log.settle(settled)
        self._engine.settled.ring()

    def _told(self, one: Settled[Item], now: float) -> _Story:
        item = one.delivery
        story = self._stories.get(item)
        if story is None:
            # One that is at its last words from the first is no CloudEvent, and says why in its attributes.
            story = self._stories[item] = _unreadable(item, now) if item.last_words else _Story(item.event)
        if not item.last_words or self._consume.dead_letter is not None:
            story.attempts.append(verdicts.attempt(one.outcome, now))
        if isinstance(one.decision, delivery.DeadLetter) and not item.last_words:
            story.reason = one.decision.reason
        return story

    def _fate(self, item: Item, story: _Story, now: float) -> Fate:
        partition = item.lane
        if not isinstance(partition, Partition):
            raise TypeError(f"{item.lane} is no partition of Kafka")
        acceptance = Acceptance(
            event=story.event,
            targets=(Target(self._consume.tail, partition.number),),
            ttl=FIRST_TTL,
            at=now,
            origin=f"kafka/{partition.topic}/{partition.number}/{item.position}",
        )
        state = State.DEAD_LETTERED if item.last_words else State.DELIVERED
        return Fate(acceptance=acceptance, state=state, reason=story.reason, attempts=tuple(story.attempts))

    def _tell(self, one: Settled[Item], now: float) -> None:
        """Of a failure after which the record is tried again; of one that is given up, its end is told."""
        match one.decision:
            case delivery.Retry(after=wait, reason=reason):
                alone = False
            case delivery.Isolate(reason=reason):
                alone, wait = True, 0.0
            case _:
                return
        attempt = verdicts.attempt(one.outcome, now)
        pending = Settlement(
            delivery=0, token=0, attempt=attempt, state=State.PENDING, due=now + wait, reason=reason, alone=alone
        )
        self._engine.listener.failed(self._consume.tail, pending, now=now)


def _unreadable(item: Item, now: float) -> _Story:
    known = item.event.attributes
    said = base64.b64decode(str(known.get("knativeerrordata", "")))
    event = Event({name: value for name, value in known.items() if name not in _FAILURE}, item.event.data)
    attempt = Attempt(started_at=now, seconds=0.0, code=delivery.UNREADABLE, error=None, body=said)
    reason = delivery.describe(delivery.Outcome(destination="", code=delivery.UNREADABLE, body=said))
    return _Story(event, reason, [attempt])


def _settlement(fate: Fate, number: int) -> Settlement:
    return Settlement(delivery=number, token=0, attempt=fate.attempts[-1], state=fate.state, reason=fate.reason)
