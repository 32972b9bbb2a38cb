"""What a log must do for the core: hand out what is due, and take back what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.cloudevents import Event
    from patternapp.delivery import Decision, Outcome


class Delivery(Protocol):
    """One event of a log while a worker has it."""

    @property
    def event(self) -> Event[bytes | None]:
        """The event; at its last words with the attributes of a dead letter."""

    @property
    def attempts(self) -> int:
        """Attempts that were made before at this stage."""

    @property
    def last_words(self) -> bool:
        """Whether it is for the dead-letter sink, no longer for the function."""


D = TypeVar("D", bound=Delivery)


@dataclass(frozen=True, slots=True)
class Settled(Generic[D]):
    """What came of an attempt at one delivery, and what `patternapp.delivery` makes of it."""

    delivery: D
    outcome: Outcome
    decision: Decision


class Log(Protocol[D]):
    """A queue or a stream as one worker sees it.

    What is handed out is this worker's until it is settled. Settling decides what follows by the decision: done, due
    again later, due alone, or due at the dead-letter sink; and whoever has the log sees to it that nothing is lost
    where a worker ends without settling.
    """

    async def take(self) -> Sequence[D]:
        """The next deliveries for one request, as soon as some are due.

        One that is to go alone, or is at its last words, comes alone. In an ordered log a partition's next deliveries
        come once all that were taken from it are settled, and none before one that is not done. Cancelling loses
        nothing.
        """

    async def settle(self, settled: Sequence[Settled[D]]) -> None:
        """Take back all that one `take` handed out."""
