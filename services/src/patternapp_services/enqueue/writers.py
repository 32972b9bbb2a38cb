"""What the endpoint asks of a broker's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from patternapp.cloudevents import Event


class NotWritten(Exception):  # noqa: N818 - what the caller is answered
    """The event was not acknowledged; it may be there all the same. Sending it again is safe and needed."""


class TooLarge(Exception):  # noqa: N818 - what the caller is answered
    """The broker takes no message of this size, now or later."""


class Writer(Protocol):
    """Appends to one queue or topic."""

    async def write(self, event: Event[bytes | None]) -> None:
        """Returns once the broker has it for good.

        Raises:
            NotWritten: It is not known to have it.
            TooLarge: It never will.
        """

    async def close(self) -> None:
        """Let go of the broker; nothing is written any more."""
