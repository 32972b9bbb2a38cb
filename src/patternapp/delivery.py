"""What an answer means for a delivery: done, again, or never. Knative's rules, as tables.

What holds here:

* Every rule about a status code is in `RETRIED` and `decide`; receivers choose their codes from the same table.
* No clock and no dice: waits are returned in seconds, and whoever calls adds them to the time.

Sources: knative/specs ``specs/eventing/data-plane.md`` "Event Acknowledgement and Delivery Retry";
knative/eventing ``pkg/kncloudevents/retries.go`` ``SelectiveRetry`` and backoff;
``pkg/broker/filter/filter_handler.go`` (a 2xx body that is not a CloudEvent is a failure).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from patternapp.cloudevents import Event

RETRIED = frozenset({404, 408, 409, 429})
"""The 4xx codes that are tried again. Never use one to refuse an event for good."""
REJECTED = 422
"""What a receiver answers to refuse an event for good."""
UNREADABLE = 400
"""What a receiver answers to bytes that are not a CloudEvent, and to nothing else."""
EXIT_REFUSED, EXIT_FAILED = 65, 75
"""How a process that handles one event ends otherwise than with 0: refused for good, or to be tried again.

They are sysexits' EX_DATAERR and EX_TEMPFAIL: a process that dies of a bug ends with neither.
"""
NOT_AN_EVENT = 502
"""The code kept for a 2xx answer whose body is not a CloudEvent."""
RETRY_AFTER_CAP = 600.0
"""The longest wait, in seconds, that a Retry-After header can ask for."""
SAID_LIMIT = 300
"""Characters of an answer that a reason quotes."""
ERROR_DATA_LIMIT = 1024
"""Bytes of an answer's body that a dead letter keeps."""
ANSWER_LIMIT = 768
"""Bytes that an error answer may have. With a longer one a dead letter kills the dispatcher of Knative's in-memory
channel and all events it holds (``pkg/kncloudevents/event_dispatcher.go`` has room for 1,024 characters of base64)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySpec:
    """How often and how patiently a delivery is tried.

    Attributes:
        retry: Attempts after the first.
        backoff_policy: How waits grow: ``delay * k`` or ``delay * 2 ** k`` for the k-th retry, from 0, as the
            default Broker of Knative does.
        backoff_delay: The unit of the waits, seconds.
        timeout: How long one attempt may take, seconds.
    """

    retry: int = 5
    backoff_policy: Literal["linear", "exponential"] = "exponential"
    backoff_delay: float = 1.0
    timeout: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one attempt.

    Attributes:
        destination: The URL that was called.
        code: The HTTP status, None where no answer came.
        body: The answer's body, cut where it is long.
        reply: The event in the answer, if it was one.
        error: Why no answer came, or why the answer is not acceptable.
        retry_after: Seconds that a 429 or 503 asked to wait.
        seconds: How long the attempt took.
        together: Whether it is one verdict about several events, so that another of them may be the cause.
        unreached: Whether no connection came about, so that nobody has seen the event.
    """

    destination: str
    code: int | None = None
    body: bytes = b""
    reply: Event[bytes | None] | None = None
    error: str | None = None
    retry_after: float | None = None
    seconds: float = 0.0
    together: bool = False
    unreached: bool = False


@dataclass(frozen=True, slots=True)
class Ack:
    """Delivered. The reply, if any, goes back to the Broker."""

    reply: Event[bytes | None] | None


@dataclass(frozen=True, slots=True)
class Retry:
    """Failed, to be tried again after so many seconds."""

    after: float
    reason: str


@dataclass(frozen=True, slots=True)
class Isolate:
    """Failed in company, to be tried once more alone, at once, before it can be a dead letter."""

    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Failed for good."""

    reason: str


Decision = Ack | Retry | Isolate | DeadLetter


def retried(code: int | None) -> bool:
    """Whether Knative tries again after this status; None stands for no answer at all."""
    return code is None or code >= 500 or code in RETRIED


def backoff(spec: DeliverySpec, retry: int) -> float:
    """Seconds to wait before the retry with this number, counted from 0."""
    factor = retry if spec.backoff_policy == "linear" else 2**retry
    return float(spec.backoff_delay * factor)


def decide(outcome: Outcome, *, attempt: int, spec: DeliverySpec) -> Decision:
    """What follows from the outcome of the attempt with this number, counted from 1."""
    if outcome.code is not None and 200 <= outcome.code < 300 and outcome.error is None:
        return Ack(outcome.reply)
    reason = describe(outcome)
    give_up = Isolate if outcome.together else DeadLetter
    if not retried(_code(outcome)):
        return give_up(reason)
    if attempt > spec.retry:
        return give_up(f"{reason}; gave up after {attempt} attempts")
    wait = backoff(spec, attempt - 1)
    if outcome.retry_after is not None:
        wait = max(wait, min(outcome.retry_after, RETRY_AFTER_CAP))
    return Retry(wait, reason)


def _code(outcome: Outcome) -> int | None:
    """The code that counts: a 2xx that is not acceptable is a failure of the one who gave it."""
    return NOT_AN_EVENT if outcome.error is not None and outcome.code is not None else outcome.code


def describe(outcome: Outcome) -> str:
    """One line about a failed attempt."""
    if outcome.error is not None:
        return outcome.error if outcome.code is None else f"answered {outcome.code}: {outcome.error}"
    said = _said(outcome.body)
    return f"answered {outcome.code}: {said}" if said else f"answered {outcome.code}"


def _said(body: bytes) -> str:
    """What an answer says to people: the detail of a problem (RFC 9457), else its first line; fit for a terminal."""
    text = body[:SAID_LIMIT].decode(errors="replace")
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        problem = None
    if isinstance(problem, dict) and isinstance(problem.get("detail"), str):
        text = problem["detail"]
    first = text.strip().partition("\n")[0]
    return "".join(character for character in first if character.isprintable())[:SAID_LIMIT]


def error_attributes(outcome: Outcome) -> dict[str, str | int | bool]:
    """The extensions that a dead letter carries: where it failed, with which code, and what the answer said.

    The data is base64 of the first 1,024 bytes of the body, as the Kafka broker does; the default Broker's rule
    breaks on bodies over 768 bytes.
    """
    code = _code(outcome)
    data = outcome.body or (outcome.error or "").encode()
    attributes: dict[str, str | int | bool] = {
        "knativeerrordest": outcome.destination,
        "knativeerrorcode": code if code is not None else 500,
    }
    if data:
        attributes["knativeerrordata"] = base64.b64encode(data[:ERROR_DATA_LIMIT]).decode()
    return attributes
