"""From the answer to a batch to one outcome an event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from patternapp import batches, delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.cloudevents import Event
    from patternapp.delivery import Outcome


def split(outcome: Outcome, events: Sequence[Event[bytes | None]]) -> tuple[Outcome, ...]:
    """The outcome of a batch as one outcome an event, in the order of the events."""
    shared = replace(outcome, together=len(events) > 1)
    if outcome.code is None or not 200 <= outcome.code < 300:
        return (shared,) * len(events)
    if not outcome.body:
        return (replace(outcome, reply=None),) * len(events)
    try:
        failures = {(one.source, one.id): one for one in batches.decode(outcome.body)}
    except ValueError as error:
        return (replace(shared, error=str(error)),) * len(events)
    done = replace(outcome, body=b"")
    return tuple(
        _failed(shared, failure) if (failure := failures.get(_name(event))) is not None else done for event in events
    )


def _name(event: Event[bytes | None]) -> tuple[str, str]:
    return str(event.attributes["source"]), str(event.attributes["id"])


def _failed(shared: Outcome, failure: batches.Failure) -> Outcome:
    return replace(
        shared,
        code=503 if failure.retry else delivery.REJECTED,
        body=failure.reason.encode(),
        retry_after=failure.after,
        together=shared.together and failure.together,
    )
