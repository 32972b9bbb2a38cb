"""What a function answers to a batch: nothing, or the events that it could not do.

A worker posts ``application/cloudevents-batch+json``; the function answers 2xx with no body when every event is done,
or with ``{"failures": [{"source", "id", "reason", "retry", "after", "together"}]}``: events that it does not name are
done.

A verdict that several events share, an answer that is no 2xx or failures marked ``together``, condemns none of them:
whoever delivers gives each of them to the function alone before it is a dead letter.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One event of a batch that failed.

    Attributes:
        source: The event's source; with `id` it names the event.
        id: The event's id.
        reason: Why, for people.
        retry: Whether to try again; otherwise the event goes to the dead letter.
        after: Seconds to wait before that, None to leave it to the delivery's backoff.
        together: Whether the function failed on several events at once, so that another of them may be the cause.
    """

    source: str
    id: str
    reason: str
    retry: bool = True
    after: float | None = None
    together: bool = False


def encode(failures: tuple[Failure, ...]) -> bytes:
    """The answer's body, JSON."""
    return json.dumps({"failures": [dataclasses.asdict(one) for one in failures]}, separators=(",", ":")).encode()


def decode(body: bytes) -> tuple[Failure, ...]:
    """The failures that an answer names; none where it has no body.

    Raises:
        ValueError: The body is not such an answer; the message says why.
    """
    if not body:
        return ()
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the answer to a batch is not JSON: {error}") from error
    failures = answer.get("failures") if isinstance(answer, dict) else None
    if not isinstance(failures, list):
        raise ValueError('the answer to a batch is {"failures": [...]}, or has no body')  # noqa: TRY004 - one error for the caller
    return tuple(_failure(one) for one in failures)


def _failure(one: Any) -> Failure:
    match one:
        case {"source": str(source), "id": str(id_)}:
            return Failure(
                source=source,
                id=id_,
                reason=str(one.get("reason", ""))[:1024],
                retry=one.get("retry", True) is not False,
                after=_seconds(one.get("after")),
                together=one.get("together") is True,
            )
    raise ValueError('every failure names its event: {"source": "...", "id": "..."}')


def _seconds(after: Any) -> float | None:
    if not isinstance(after, int | float) or isinstance(after, bool):
        return None
    try:
        return float(after)
    except OverflowError:
        return math.inf  # a whole number that no float holds: the wait is capped anyway
