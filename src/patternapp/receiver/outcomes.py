"""What a handler may say beside a reply: refuse an event, ask for it again, or name those of a batch that failed.

Whatever else a handler raises is a bug: it is logged with its traceback, and the event comes again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from patternapp import batches, delivery, errors
from patternapp.receiver.deadline import TimedOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.cloudevents import Event


class Reject(errors.PatternAppError):
    """This event can never be handled: it goes to the dead letter without another attempt (422)."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Retry(errors.PatternAppError):
    """Not now: deliver this event again.

    Attributes:
        reason: Why, for people.
        after: Seconds to wait at least; None leaves the wait to the delivery's backoff.
        code: 503 when something else is out of order, 429 when this function has too much to do.
    """

    def __init__(self, reason: str = "not now", *, after: float | None = None, code: Literal[429, 503] = 503) -> None:
        if code not in (429, 503):
            raise ValueError(f"Retry answers 429 or 503, not {code}: other codes do not carry Retry-After")
        if after is not None and not 0 <= after < float("inf"):
            raise ValueError(f"Retry waits some seconds, not {after}")
        self.reason = reason
        self.after = after
        self.code: int = code
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Failures:
    """The events of a batch that were not done; all others were.

    ::

        return Failures([(event, Reject("no such customer")), (other, Retry("mail server is down", after=30))])
    """

    events: Sequence[tuple[Event[Any], Reject | Retry]]


def failure(event: Event[Any], error: BaseException, *, together: bool = False) -> batches.Failure:
    """How the answer to a batch says that this event failed with this error, by itself or together with others."""
    return batches.Failure(
        source=str(event.attributes["source"]),
        id=str(event.attributes["id"]),
        reason=reason(error)[: delivery.ERROR_DATA_LIMIT],
        retry=not isinstance(error, Reject),
        after=error.after if isinstance(error, Retry) else None,
        together=together,
    )


def reason(error: BaseException) -> str:
    """Why, in one line."""
    if isinstance(error, Reject | Retry):
        return error.reason
    return str(error) if isinstance(error, TimedOut) else f"{type(error).__name__}: {error}"
