"""What rows look at. Each function puts what was seen into the few words that a table can hold."""

from __future__ import annotations

import base64
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.rows import Seen

TIMES = ("never", "once", "twice", "three times")


def times(number: int) -> str:
    return TIMES[number] if number < len(TIMES) else f"{number} times"


def answered(seen: Seen) -> str:
    """The codes that the producer got."""
    return ", ".join(f"{answer.status}" for answer in seen.answers)


def taken(seen: Seen) -> str:
    """The codes that the producer got, and how often the subscriber the event."""
    return f"{answered(seen)}, arrives {times(len(seen.at()))}"


def passes(seen: Seen) -> str:
    """Whether a filter lets the event through."""
    return "passes" if seen.at() else "does not pass"


def header(*names: str) -> Callable[[Seen], str]:
    """Headers of the answer to the producer."""

    def look(seen: Seen) -> str:
        (answer,) = seen.answers
        found = {name.lower(): value for name, value in answer.headers.items()}
        return f"{answer.status}; " + "; ".join(f"{name}: {found.get(name, 'none')}" for name in names)

    return look


def attributes(*names: str, at: str = "a") -> Callable[[Seen], str]:
    """Attributes of the events that arrived, one event after the other."""

    def look(seen: Seen) -> str:
        events = [[f"{name}={event.attributes.get(name, 'none')}" for name in names] for event in seen.events(at)]
        return "; ".join(" ".join(event) for event in events) or "nothing"

    return look


def data(at: str = "a") -> Callable[[Seen], str]:
    """The data of the events that arrived."""

    def look(seen: Seen) -> str:
        return (
            "; ".join("none" if event.data is None else repr(event.data)[1:] for event in seen.events(at)) or "nothing"
        )

    return look


def tried(seen: Seen) -> str:
    """How often the subscriber was called, and what became of the event."""
    return f"tried {times(len(seen.at()))}, {'dead letter' if seen.at('a.dead') else 'delivered'}"


def waits(unit: float) -> Callable[[Seen], str]:
    """The waits between attempts, in units of the delay, to the nearest one."""

    def look(seen: Seen) -> str:
        instants = [arrival.at for arrival in seen.at()]
        gaps = [round((later - sooner) / unit) for sooner, later in itertools.pairwise(instants)]
        return "waits " + ", ".join(f"{gap}" for gap in gaps)

    return look


def counts(*names: str) -> Callable[[Seen], str]:
    """How many requests reached whom."""

    def look(seen: Seen) -> str:
        return ", ".join(f"{name} {times(len(seen.at(name)))}" for name in names)

    return look


def destination(at: str) -> Callable[[Seen], str]:
    """Whose address a dead letter names."""

    def look(seen: Seen) -> str:
        found = [str(event.attributes.get("knativeerrordest", "none")) for event in seen.events(at)]
        known = {url: name for name, url in seen.urls.items()}
        return ", ".join(known.get(url, "somebody else" if url != "none" else "nobody") for url in found) or "nothing"

    return look


def failure(at: str) -> Callable[[Seen], str]:
    """What the failing answer said, as a dead letter keeps it."""

    def look(seen: Seen) -> str:
        kept = [str(event.attributes.get("knativeerrordata", "")) for event in seen.events(at)]
        return ", ".join(base64.b64decode(one).decode(errors="replace") or "nothing" for one in kept) or "no letter"

    return look


def sent_header(name: str) -> Callable[[Seen], str]:
    """A header of the request that reached the subscriber."""

    def look(seen: Seen) -> str:
        return ", ".join(arrival.headers.get(name, "none") for arrival in seen.at()) or "nothing"

    return look


def admitted(seen: Seen) -> str:
    """Whether a schedule was taken."""
    return "taken" if seen.admitted else "refused"
