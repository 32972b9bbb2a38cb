"""From the outcome of an attempt to the settlement of its lease. Pure: the rules are `patternapp.delivery`'s.

What holds here: a delivery whose attempts are used up goes to its dead-letter sink first, where it has one, and is
pending until the sink took it or refused it for good; in both cases it ends as dead-lettered, and can be re-driven.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from patternapp import delivery
from patternapp.runtime.eventing.broker import LoopError
from patternapp.runtime.store.records import Attempt, Settlement, Stage, State

if TYPE_CHECKING:
    from patternapp.consume.log import Settled
    from patternapp.delivery import Outcome
    from patternapp.runtime.eventing.broker import Broker
    from patternapp.runtime.store.records import Lease

BODY_KEPT = 4096
"""Bytes of an answer that the timeline keeps."""


def settlement(settled: Settled[Lease], *, dead_letter: str | None, broker: Broker, now: float) -> Settlement:
    """What becomes of a leased delivery after an attempt that ended at `now`."""
    lease, outcome, decision = settled.delivery, settled.outcome, settled.decision
    ended = Settlement(
        delivery=lease.delivery,
        token=lease.token,
        attempt=attempt(outcome, now),
        state=State.DEAD_LETTERED,
        stage=lease.stage,
        due=now,
        reason=lease.reason,
    )
    if isinstance(decision, delivery.Retry):
        reason = lease.reason if lease.stage is Stage.DEAD_LETTER_SINK else decision.reason
        return replace(ended, state=State.PENDING, due=now + decision.after, reason=reason)
    if isinstance(decision, delivery.Isolate):
        return replace(ended, state=State.PENDING, reason=decision.reason, alone=True)
    if lease.stage is Stage.DEAD_LETTER_SINK:
        refused = f"; and the dead-letter sink: {decision.reason}" if isinstance(decision, delivery.DeadLetter) else ""
        return replace(ended, reason=lease.reason + refused)
    if isinstance(decision, delivery.DeadLetter):
        return _give_up(ended, outcome, reason=decision.reason, dead_letter=dead_letter)
    try:
        reply = None if decision.reply is None else broker.reply(lease, decision.reply, origin=f"reply/{lease.seq}")
    except LoopError as error:
        return _give_up(ended, outcome, reason=f"its reply was refused: {error}", dead_letter=dead_letter)
    return replace(ended, state=State.DELIVERED, reason="", reply=reply)


def _give_up(ended: Settlement, outcome: Outcome, *, reason: str, dead_letter: str | None) -> Settlement:
    if dead_letter is None:
        return replace(ended, reason=reason)
    return replace(
        ended,
        state=State.PENDING,
        stage=Stage.DEAD_LETTER_SINK,
        reason=reason,
        failure=delivery.error_attributes(outcome),
    )


def attempt(outcome: Outcome, now: float) -> Attempt:
    """What the timeline shows of an attempt that ended at `now`."""
    return Attempt(
        started_at=now - outcome.seconds,
        seconds=outcome.seconds,
        code=outcome.code,
        error=outcome.error,
        body=outcome.body[:BODY_KEPT],
    )
