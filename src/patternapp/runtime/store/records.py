"""The values that go into and come out of the store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patternapp.cloudevents import Event


class State(IntEnum):
    """Where a delivery stands. Every delivery is in exactly one state, and the ledger counts them."""

    PENDING = 0
    DELIVERED = 1
    DEAD_LETTERED = 2


class Stage(IntEnum):
    """Whom a pending delivery is for."""

    SUBSCRIBER = 0
    DEAD_LETTER_SINK = 1


@dataclass(frozen=True, slots=True)
class Target:
    """One delivery that an accepted event gives.

    Attributes:
        edge: The key of the plan's edge, or of the queue or stream, that wants the event.
        partition: The partition of a queue or stream; 0 for a trigger.
    """

    edge: str
    partition: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """An event that is to be kept, with everything that follows from it in the same transaction.

    Attributes:
        event: The event as it came in, without the Broker's own extensions.
        targets: The deliveries it gives; empty means that nothing wants it.
        ttl: Passes through the Broker that are left to its replies.
        at: When it arrived, seconds since the epoch.
        origin: What let it in, such as ``ingress`` or ``schedule/nightly``.
        cause: The number of the event that this one answers.
        bookmark: A named position that moves with it; a value of None deletes the name.
    """

    event: Event[bytes | None]
    targets: tuple[Target, ...]
    ttl: int
    at: float
    origin: str
    cause: int | None = None
    bookmark: tuple[str, str | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A delivery that is one worker's until `until`.

    Attributes:
        delivery: The delivery's number.
        token: Proves the lease; whoever settles shows it.
        seq: The event's number.
        event: The event, with the failure's extensions at the stage of the dead-letter sink.
        attempts: Attempts made before this lease, at this stage.
        ttl: Passes through the Broker that are left.
        reason: Why the last attempt failed; empty before one has.
        accepted_at: When the event arrived, seconds since the epoch.
    """

    delivery: int
    token: int
    seq: int
    event: Event[bytes | None]
    attempts: int
    stage: Stage
    partition: int
    ttl: int
    reason: str
    accepted_at: float

    @property
    def last_words(self) -> bool:
        """Whether it is for the dead-letter sink."""
        return self.stage is Stage.DEAD_LETTER_SINK


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one attempt at a delivery came to, as the timeline shows it."""

    started_at: float
    seconds: float
    code: int | None
    error: str | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The end of a lease.

    Attributes:
        delivery: The delivery's number.
        token: The lease's token.
        attempt: What was tried.
        state: PENDING to try again, otherwise the end of it.
        stage: Whom the next attempt is for, where there is one.
        due: When it is due, seconds since the epoch.
        reason: Why the attempt failed; empty where it did not.
        alone: Whether its next attempts are to be in no batch with others.
        failure: Extensions for the dead-letter sink, set when the stage changes.
        reply: The event in the answer, accepted in the same transaction.
    """

    delivery: int
    token: int
    attempt: Attempt
    state: State
    stage: Stage = Stage.SUBSCRIBER
    due: float = 0.0
    reason: str = ""
    alone: bool = False
    failure: dict[str, Any] | None = None
    reply: Acceptance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """An event that was kept elsewhere while it was tried, and how it ended.

    Attributes:
        acceptance: The event, with the one delivery that it gave.
        state: DELIVERED or DEAD_LETTERED.
        reason: Why it is a dead letter; empty where it is none.
        attempts: Every attempt, the last of them last.
    """

    acceptance: Acceptance
    state: State
    reason: str
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line that a function printed while it worked on an event."""

    event: int
    at: float
    function: str
    stream: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Where every accepted event went: ``deliveries == delivered + dead_lettered + pending``, always."""

    accepted: int
    unmatched: int
    deliveries: int
    delivered: int
    dead_lettered: int
    pending: int

    @property
    def balanced(self) -> bool:
        return self.deliveries == self.delivered + self.dead_lettered + self.pending
