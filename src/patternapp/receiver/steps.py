"""What stands between the endpoint and the handlers: each step takes an event and hands it to the next, or answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patternapp import batches
    from patternapp.cloudevents import Event
    from patternapp.receiver.readers import Wire


class Step(Protocol):
    """Takes events; the last one is `Dispatch`."""

    async def deliver(self, event: Wire) -> Event[bytes | None] | None:
        """Handle one event and return its reply; raises what handling raises."""

    async def deliver_batch(self, events: Iterable[Wire]) -> tuple[batches.Failure, ...]:
        """Handle events of any types and return those that failed."""
