"""Whatever happens to a backlog: nothing is lost, nothing is done twice, and order holds where it was promised."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from patternapp import delivery
from patternapp.cloudevents import Event
from patternapp.consume import backlog, items, log, orders

SPEC = delivery.DeliverySpec(retry=1, backoff_policy="linear", backoff_delay=3.0)
OUTCOMES = st.sampled_from(
    [
        delivery.Outcome(destination="f", code=204),
        delivery.Outcome(destination="f", code=500),
        delivery.Outcome(destination="f", code=500, together=True),
        delivery.Outcome(destination="f", code=422),
        delivery.Outcome(destination="f", code=422, together=True),
        delivery.Outcome(destination="f", error="refused", unreached=True),
    ]
)


class Worker(RuleBasedStateMachine):
    """Items come, batches go, lanes are given up and taken up again."""

    ordered = False

    def __init__(self) -> None:
        super().__init__()
        self.now = 1.0
        self.number = 0
        self.lanes = [items.Lane(), items.Lane()]
        self.out: list[tuple[items.Item, ...]] = []
        self.done: set[int] = set()
        self.given_up: set[int] = set()
        self.arrived: set[int] = set()

    @initialize()
    def begin(self) -> None:
        batching = orders.Batching(count=3, size=40, wait=2.0)
        order = orders.Ordered(batching) if self.ordered else orders.Unordered(batching)
        self.backlog = backlog.Backlog(order, SPEC)

    @rule(lane=st.integers(0, 1), sizes=st.lists(st.integers(1, 50), max_size=5))
    def arrive(self, lane: int, sizes: list[int]) -> None:
        fresh = []
        for size in sizes:
            event = Event({"specversion": "1.0", "id": str(self.number), "source": "/t", "type": "t"}, None)
            fresh.append(items.Item(event, self.lanes[lane], self.number, size, self.now))
            self.arrived.add(self.number)
            self.number += 1
        self.backlog.add(fresh)

    @rule(seconds=st.floats(0.1, 70.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        found = self.backlog.next(self.now)
        if not isinstance(found, tuple):
            return
        self.out.append(found)
        assert len(found) == 1 or not any(item.alone or item.last_words for item in found)
        assert len(found) == 1 or sum(item.size for item in found) <= 40
        assert not {item.position for item in found} & self.done
        if self.ordered:
            self.check_order(found)

    def check_order(self, batch: tuple[items.Item, ...]) -> None:
        (lane,) = {item.lane for item in batch}
        assert sum(any(item.lane is lane for item in other) for other in self.out) == 1
        undone = sorted(
            item.position for item in self.held.values() if item.lane is lane and item.position not in self.done
        )
        assert [item.position for item in batch] == undone[: len(batch)]

    @property
    def held(self) -> dict[int, items.Item]:
        inside = [item for line in getattr(self.backlog.order, "_lines", {}).values() for item in line.items]
        return {item.position: item for item in [*inside, *(item for batch in self.out for item in batch)]}

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        if not self.out:
            return
        batch = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        outcomes = [data.draw(OUTCOMES) for _ in batch]
        done = self.backlog.settle(
            [
                log.Settled(item, outcome, delivery.decide(outcome, attempt=item.attempts + 1, spec=SPEC))
                for item, outcome in zip(batch, outcomes, strict=True)
            ],
            self.now,
        )
        for item in done:
            assert item.position not in self.done
            self.done.add(item.position)
        self.given_up |= {item.position for item in batch if not item.lane.open} - self.done

    @rule(lane=st.integers(0, 1))
    def give_up(self, lane: int) -> None:
        gone = self.lanes[lane]
        self.lanes[lane] = items.Lane()
        self.backlog.drop(gone)
        assert gone.pending == gone.in_flight

    @invariant()
    def the_ledger_balances(self) -> None:
        if not hasattr(self, "backlog"):
            return
        tally = self.backlog.tally
        assert tally.delivered + tally.dead_lettered == len(self.done)
        assert tally.pending == tally.received - len(self.done) - tally.returned
        assert sum(lane.pending for lane in self.lanes) <= tally.pending
        assert self.backlog.size >= 0
        assert (self.backlog.size == 0) == (tally.pending == 0)

    def teardown(self) -> None:
        """In the end everything that was not given up can be done."""
        while self.out:
            self.finish(self.out.pop())
        for _ in range(10_000):
            found = self.backlog.next(self.now) if hasattr(self, "backlog") else None
            if found is None:
                break
            if isinstance(found, tuple):
                self.finish(found)
            else:
                self.now = max(self.now, found)
        if hasattr(self, "backlog"):
            assert self.backlog.tally.pending == 0

    def finish(self, batch: tuple[items.Item, ...]) -> None:
        fine = delivery.Outcome(destination="f", code=204)
        self.backlog.settle([log.Settled(item, fine, delivery.Ack(None)) for item in batch], self.now)


class OrderedWorker(Worker):
    ordered = True


TestUnordered = Worker.TestCase
TestUnordered.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestOrdered = OrderedWorker.TestCase
TestOrdered.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
