"""One event of a log that a worker holds, and the lane it came by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patternapp.cloudevents import Event


class Lane:
    """A source of items that is taken up and given up as a whole: a partition, or one connection to a queue."""

    def __init__(self) -> None:
        self.open = True
        """Whether its items may go out."""
        self.pending = 0
        """Items that are held, those in flight included."""
        self.in_flight = 0
        """Items that are in a request."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Item:
    """One event of a lane.

    Attributes:
        event: The event.
        lane: Where it came from.
        position: Its place there.
        size: Bytes that it takes in a request, roughly.
        arrived: When it came, on the clock of whoever calls the backlog.
        attempts: Attempts made at this stage.
        due: When it may go.
        alone: Whether it may be in no batch with others.
        last_words: Whether it is for the dead-letter sink.
    """

    event: Event[bytes | None]
    lane: Lane
    position: int
    size: int
    arrived: float
    attempts: int = 0
    due: float = 0.0
    alone: bool = False
    last_words: bool = False
