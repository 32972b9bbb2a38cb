"""The store against a model, over crashes: nothing lost, one lease at a time, what is done stays done."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import hypothesis
from hypothesis import stateful
from hypothesis import strategies as st

from patternapp import errors
from patternapp.cloudevents import Event
from patternapp.runtime.store import reads, records, schema, writes
from patternapp.runtime.store.records import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from patternapp.runtime.store.records import Lease

T = TypeVar("T")
EDGES = ("a", "b", "stream")
LEASE = 10.0


@dataclass
class Known:
    """What the model knows of one delivery."""

    edge: str
    state: State = State.PENDING
    due: float = 0.0
    token: int | None = None
    leased_until: float = 0.0
    alone: bool = False


@dataclass
class Model:
    accepted: int = 0
    unmatched: int = 0
    deliveries: dict[int, Known] = field(default_factory=dict)

    def count(self, state: State) -> int:
        return sum(known.state is state for known in self.deliveries.values())


class StoreMachine(stateful.RuleBasedStateMachine):
    leases = stateful.Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="patternapp-store-"))
        self.now = 0.0
        self.model = Model()
        self.open()

    def open(self) -> None:
        self.connection = schema.connect(self.folder / "store.db")
        self.connection.pragma("synchronous", "off")  # speed; durability has its own test
        self.writes = writes.Writes(self.connection)
        self.reads = reads.Reads(self.connection)

    def write(self, work: Callable[[writes.Writes], T]) -> T:
        with self.connection:
            result = work(self.writes)
            self.writes.flush_counters()
        return result

    @stateful.rule(edges=st.sets(st.sampled_from(EDGES)), partition=st.integers(0, 1))
    def accept(self, edges: set[str], partition: int) -> None:
        targets = tuple(records.Target(edge, partition if edge == "stream" else 0) for edge in sorted(edges))
        event: Event[bytes | None] = Event({"specversion": "1.0", "id": "1", "source": "/", "type": "t"}, None)
        seq = self.write(
            lambda w: w.accept(records.Acceptance(event=event, targets=targets, ttl=255, at=self.now, origin="test"))
        )
        timeline = self.reads.event(seq)
        assert timeline is not None
        for one in timeline["deliveries"]:
            self.model.deliveries[one["delivery"]] = Known(one["edge"], due=self.now)
        self.model.accepted += 1
        self.model.unmatched += not targets

    @stateful.rule(target=leases, edge=st.sampled_from(EDGES[:2]), limit=st.integers(1, 4))
    def lease(self, edge: str, limit: int) -> Any:
        taken = self.write(lambda w: w.lease(edge, limit=limit, now=self.now, until=self.now + LEASE))
        free = sum(self.free(known) for known in self.model.deliveries.values() if known.edge == edge)
        assert len(taken) == min(limit, free)
        return self.took(taken)

    @stateful.rule(target=leases, edge=st.sampled_from(EDGES[:2]), limit=st.integers(2, 4))
    def lease_batch(self, edge: str, limit: int) -> Any:
        taken = self.write(lambda w: w.lease_batch(edge, limit=limit, now=self.now, until=self.now + LEASE))
        assert bool(taken) == any(self.free(known) for known in self.model.deliveries.values() if known.edge == edge)
        assert len(taken) <= 1 or not any(self.model.deliveries[one.delivery].alone for one in taken)
        return self.took(taken)

    @stateful.rule(target=leases, partition=st.integers(0, 1), limit=st.integers(1, 4))
    def lease_in_order(self, partition: int, limit: int) -> Any:
        taken = self.write(
            lambda w: w.lease_in_order("stream", partition, limit=limit, now=self.now, until=self.now + LEASE)
        )
        numbers = [one.delivery for one in taken]
        assert numbers == sorted(numbers)
        return self.took(taken)

    def free(self, known: Known) -> bool:
        return known.state is State.PENDING and known.due <= self.now and known.leased_until <= self.now

    def took(self, taken: tuple[Lease, ...]) -> Any:
        for one in taken:
            known = self.model.deliveries[one.delivery]
            assert self.free(known), "handed out although it was settled, not due, or somebody else's"
            known.token, known.leased_until = one.token, self.now + LEASE
        return stateful.multiple(*taken)

    @stateful.rule(
        lease=leases,
        state=st.sampled_from(State),
        wait=st.floats(0, 20),
        replies=st.integers(0, 1),
        alone=st.booleans(),
    )
    def settle(self, lease: Lease, state: State, wait: float, replies: int, *, alone: bool) -> None:
        known = self.model.deliveries[lease.delivery]
        attempt = records.Attempt(started_at=self.now, seconds=0.0, code=None, error=None, body=b"")
        reply = records.Acceptance(event=lease.event, targets=(), ttl=1, at=self.now, origin="reply", cause=lease.seq)
        settlement = records.Settlement(
            delivery=lease.delivery,
            token=lease.token,
            attempt=attempt,
            state=state,
            due=self.now + wait,
            alone=alone,
            reply=reply if replies else None,
        )
        held = known.state is State.PENDING and known.token == lease.token
        try:
            self.write(lambda w: w.settle(settlement, now=self.now))
        except errors.LeaseLost:
            assert not held
            return
        assert held
        known.state, known.due, known.leased_until = state, self.now + wait, 0.0
        known.token = None
        known.alone |= alone
        self.model.accepted += replies
        self.model.unmatched += replies

    @stateful.rule(edge=st.sampled_from(EDGES), state=st.sampled_from([State.DELIVERED, State.DEAD_LETTERED]))
    def record(self, edge: str, state: State) -> None:
        attempt = records.Attempt(started_at=self.now, seconds=0.0, code=None, error=None, body=b"")
        event: Event[bytes | None] = Event({"specversion": "1.0", "id": "1", "source": "/", "type": "t"}, None)
        target = records.Target(edge)
        kept = records.Acceptance(event=event, targets=(target,), ttl=255, at=self.now, origin="kafka")
        fate = records.Fate(acceptance=kept, state=state, reason="", attempts=(attempt,))
        number = self.write(lambda w: w.record(fate, now=self.now))
        self.model.deliveries[number] = Known(edge, state, due=self.now)
        self.model.accepted += 1

    @stateful.rule(seconds=st.floats(0.1, 15))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @stateful.rule()
    def crash(self) -> None:
        self.connection.close()
        self.open()
        self.write(lambda w: w.release_all())
        for known in self.model.deliveries.values():
            known.leased_until = 0.0

    @stateful.rule()
    def redrive(self) -> None:
        self.write(lambda w: w.redrive(None, EDGES, now=self.now))
        for known in self.model.deliveries.values():
            if known.state is State.DEAD_LETTERED:
                known.state, known.due, known.leased_until = State.PENDING, self.now, 0.0
                known.alone = True

    @stateful.invariant()
    def the_ledger_balances_and_agrees_with_the_model(self) -> None:
        ledger = self.reads.ledger()
        assert ledger.balanced
        assert ledger == records.Ledger(
            accepted=self.model.accepted,
            unmatched=self.model.unmatched,
            deliveries=len(self.model.deliveries),
            delivered=self.model.count(State.DELIVERED),
            dead_lettered=self.model.count(State.DEAD_LETTERED),
            pending=self.model.count(State.PENDING),
        )

    def teardown(self) -> None:
        self.connection.close()
        shutil.rmtree(self.folder)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = hypothesis.settings(max_examples=60, stateful_step_count=40, deadline=None)
