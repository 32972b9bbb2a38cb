"""However requests fail and clocks differ, no replica writes before what the one before it sent has ended."""

from __future__ import annotations

import asyncio
import contextlib

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from unit.patternapp_operator.leases import Election

from patternapp.cluster import failures
from patternapp_operator import leader

REPLICAS = ("one", "two")
SECONDS = st.sampled_from([0.0, 0.0, 0.0, 0.5, (leader.RENEW - leader.RETRY) / 2])
"""That the way to the server or back takes: longer attempts are given up."""
WAITS = st.sampled_from([0.5, leader.RETRY, leader.DURATION - leader.RENEW, leader.RENEW - 0.5, leader.DURATION - 2.5])
SELDOM = st.sampled_from([False, False, False, False, True])


class Electing(RuleBasedStateMachine):
    """Two replicas, one lease."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = contextlib.AsyncExitStack()
        self.election = self.runner.run(self.stack.enter_async_context(Election().running()))
        self.replicas = {name: self.election.replica(name, off=1e6 * place) for place, name in enumerate(REPLICAS)}
        self.writes_end = dict.fromkeys(REPLICAS, 0.0)

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    @rule(seconds=WAITS)
    def wait(self, seconds: float) -> None:
        self.election.world.seconds += seconds

    @rule(name=st.sampled_from(REPLICAS), before=SECONDS, after=SECONDS, lose=SELDOM, refuse=SELDOM)
    def attempt(self, name: str, before: float, after: float, *, lose: bool, refuse: bool) -> None:
        server = self.election.server
        server.before, server.after, server.lose, server.refuse = before, after, lose, refuse
        with contextlib.suppress(failures.ClusterError):
            self.runner.run(self.replicas[name].attempt())

    @rule(name=st.sampled_from(REPLICAS), step=st.sampled_from([1.3, leader.RETRY]))
    def only_one_gets_through(self, name: str, step: float) -> None:
        for _ in range(round(leader.DURATION / step) + 1):
            self.wait(step)
            self.attempt(name, 0.0, 0.0, lose=False, refuse=False)
            self.nobody_writes_while_what_another_sent_may_be_under_way()

    @rule(name=st.sampled_from(REPLICAS), lose=SELDOM)
    def drain_and_release(self, name: str, *, lose: bool) -> None:
        self.writes_end[name] = 0.0
        self.election.server.lose = lose
        self.runner.run(self.replicas[name].release())

    @invariant()
    def nobody_writes_while_what_another_sent_may_be_under_way(self) -> None:
        now = self.election.world.seconds
        for name, replica in self.replicas.items():
            if replica.leads():
                others = [end for other, end in self.writes_end.items() if other != name]
                assert now >= max(others), name
                self.writes_end[name] = now + replica.left()


Electing.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestElecting = Electing.TestCase
