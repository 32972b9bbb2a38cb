"""What a worker holds of a log that pushes, and what an attempt makes of each item.

What holds here:

* Pure: the time is an argument, and nothing waits. Whoever calls sees to it that calls do not overlap.
* ``received == delivered + dead_lettered + returned + pending`` at every instant.
* An item never ends but by a function's or a dead-letter sink's acknowledgement, or by its lane's being given up;
  then it is the log's again, and others will get it.
* A function that cannot be reached at all has seen nothing: no attempt is counted, and nothing goes for a while.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from patternapp import delivery
from patternapp.cloudevents import with_attributes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.consume.items import Item, Lane
    from patternapp.consume.log import Settled
    from patternapp.consume.orders import Order
    from patternapp.consume.scaling import Scaling
    from patternapp.delivery import DeliverySpec

SHORTEST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds between two attempts at a dead-letter sink. It is asked for ever: nothing may be lost."""
AWAY_PAUSE = 0.5
"""Seconds in which nothing goes, after a function could not be reached."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the items so far; what is not in it is pending."""

    received: int = 0
    delivered: int = 0
    dead_lettered: int = 0
    returned: int = 0
    retries: int = 0

    @property
    def pending(self) -> int:
        """Items that are held."""
        return self.received - self.delivered - self.dead_lettered - self.returned


@dataclass(slots=True)
class Backlog:
    """The items that a worker holds.

    Attributes:
        order: How they wait for a batch.
        spec: How often and how patiently they are tried.
        scaling: How many batches may be out at once; None where whoever takes them sees to that.
        tally: What became of them.
        size: Their bytes.
        batches: Batches that are out.
    """

    order: Order
    spec: DeliverySpec
    scaling: Scaling | None = None
    tally: Tally = field(default_factory=Tally)
    size: int = 0
    batches: int = 0
    _held_until: float = -math.inf

    def add(self, items: Sequence[Item]) -> None:
        """Items that came; those of a lane that was given up meanwhile are left alone."""
        mine = [item for item in items if item.lane.open]
        for item in mine:
            item.lane.pending += 1
            self.size += item.size
        self.tally.received += len(mine)
        self.order.add(mine)

    def next(self, now: float) -> tuple[Item, ...] | float | None:
        """The items of the next request; or when to look again; or None where only a change can bring one."""
        if self.scaling is not None and self.batches >= self.scaling.batches(self.tally.pending):
            return None
        if now < self._held_until:
            return self._held_until
        found = self.order.next(now)
        if isinstance(found, tuple):
            self.batches += 1
            for item in found:
                item.lane.in_flight += 1
        return found

    def settle(self, settled: Sequence[Settled[Item]], now: float) -> list[Item]:
        """A batch has ended: its items that are done, so that their log can be told."""
        self.batches -= 1
        done: list[Item] = []
        again: list[Item] = []
        for one in settled:
            item = one.delivery
            item.lane.in_flight -= 1
            if self._ends(one, now):
                done.append(item)
                self._forget(item)
            elif item.lane.open:
                again.append(item)
            else:
                self.tally.returned += 1
                self._forget(item)
        self.order.put_back(again, {one.delivery.lane: None for one in settled})
        return done

    def drop(self, lane: Lane) -> None:
        """Give up a lane: nothing of it goes out any more. What is in flight may still be done."""
        lane.open = False
        for item in self.order.drop(lane):
            self.tally.returned += 1
            self._forget(item)

    def _forget(self, item: Item) -> None:
        item.lane.pending -= 1
        self.size -= item.size

    def _ends(self, one: Settled[Item], now: float) -> bool:
        item, decision = one.delivery, one.decision
        if isinstance(decision, delivery.Ack):
            if item.last_words:
                self.tally.dead_lettered += 1
            else:
                self.tally.delivered += 1
            return True
        if item.last_words:
            # There is nowhere else to keep it: whatever the sink says, it is asked again.
            backoff = delivery.backoff(self.spec, min(item.attempts, 16))
            item.due = now + min(max(backoff, SHORTEST_WAIT), LONGEST_WAIT)
            item.attempts += 1
        elif one.outcome.unreached:
            item.due, self._held_until = now, now + AWAY_PAUSE
        elif isinstance(decision, delivery.DeadLetter):
            item.event = with_attributes(item.event, **delivery.error_attributes(one.outcome))
            item.last_words, item.attempts, item.due = True, 0, now
        else:
            self.tally.retries += 1
            item.attempts += 1
            item.alone = item.alone or isinstance(decision, delivery.Isolate)
            item.due = now + (decision.after if isinstance(decision, delivery.Retry) else 0.0)
        return False
