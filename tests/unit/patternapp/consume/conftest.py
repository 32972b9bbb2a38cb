"""Items of one lane, batches of them, and what became of an attempt."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from patternapp import delivery
from patternapp.cloudevents import Event
from patternapp.consume import backlog, items, log, orders

if TYPE_CHECKING:
    from collections.abc import Sequence

OK = delivery.Outcome(destination="f", code=204)
BROKEN = delivery.Outcome(destination="f", code=500)
REFUSED = delivery.Outcome(destination="f", code=422, body=b"no")
SHARED = delivery.Outcome(destination="f", code=422, together=True)
AWAY = delivery.Outcome(destination="f", error="refused", unreached=True)
SPEC = delivery.DeliverySpec(retry=2, backoff_policy="exponential", backoff_delay=10.0)
BATCHING = orders.Batching(count=3, size=1000, wait=5.0)


@dataclass
class Held:
    """A backlog, and a lane whose items are numbered from 0."""

    backlog: backlog.Backlog
    lane: items.Lane = field(default_factory=items.Lane)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def add(self, count: int, *, now: float = 0.0, size: int = 10, lane: items.Lane | None = None) -> list[items.Item]:
        arrived = [
            items.Item(
                Event({"specversion": "1.0", "id": str(number), "source": "/t", "type": "t"}, None),
                lane or self.lane,
                number,
                size,
                now,
            )
            for number in itertools.islice(self.numbers, count)
        ]
        self.backlog.add(arrived)
        return arrived

    def take(self, now: float = 0.0) -> tuple[items.Item, ...]:
        found = self.backlog.next(now)
        assert isinstance(found, tuple), found
        return found

    def settle(self, batch: Sequence[items.Item], *outcomes: delivery.Outcome, now: float = 0.0) -> list[items.Item]:
        """With one outcome for all, or one each."""
        each = outcomes * len(batch) if len(outcomes) == 1 else outcomes
        return self.backlog.settle(
            [
                log.Settled(item, outcome, delivery.decide(outcome, attempt=item.attempts + 1, spec=SPEC))
                for item, outcome in zip(batch, each, strict=True)
            ],
            now,
        )


@pytest.fixture
def unordered() -> Held:
    return Held(backlog.Backlog(orders.Unordered(BATCHING), SPEC))


@pytest.fixture
def ordered() -> Held:
    return Held(backlog.Backlog(orders.Ordered(BATCHING), SPEC))


@pytest.fixture(params=["unordered", "ordered"])
def held(request: pytest.FixtureRequest) -> Held:
    """Either: what holds for both."""
    chosen: Held = request.getfixturevalue(request.param)
    return chosen
