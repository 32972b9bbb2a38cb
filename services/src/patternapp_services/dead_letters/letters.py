"""What a dead letter is: an event, and who failed to take it.

What holds here: the attributes that Knative adds to a dead letter are read into fields and taken off the event, so that
what is sent again is the event as it was.

Source: knative/specs ``specs/eventing/data-plane.md`` "Error Handling": `knativeerrordest`, `knativeerrorcode` and
`knativeerrordata`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from patternapp import delivery
from patternapp.cloudevents import Event

FAILURE = frozenset({"knativeerrordest", "knativeerrorcode", "knativeerrordata"})
"""The extensions that say what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Who failed to take an event, and how.

    Attributes:
        destination: The URL that was called; empty where the sender did not say.
        code: The status of the last answer; None where the sender did not say.
        reason: The beginning of the last answer's body, as text.
    """

    destination: str
    code: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter as it is kept.

    Attributes:
        number: Names it in this store, and grows.
        arrivals: How often it came: a letter that fails again, or that a Broker sends twice, is the same letter.
        at: When it came last, in seconds since 1970.
    """

    number: int
    event: Event[bytes | None]
    failure: Failure
    arrivals: int
    at: float


def opened(event: Event[bytes | None]) -> tuple[Event[bytes | None], Failure]:
    """The event without the failure that it carries, and the failure."""
    known = event.attributes
    code = known.get("knativeerrorcode")
    failure = Failure(
        destination=str(known.get("knativeerrordest", "")),
        code=int(code) if code is not None and str(code).isdecimal() else None,
        reason=_text(str(known.get("knativeerrordata", ""))),
    )
    kept = {name: value for name, value in known.items() if name not in FAILURE}
    return Event(kept, event.data), failure


def _text(data: str) -> str:
    """Knative's data is Base64 where the sender follows the specification, and plain text where it does not."""
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = data
    return text[: delivery.SAID_LIMIT].strip()
