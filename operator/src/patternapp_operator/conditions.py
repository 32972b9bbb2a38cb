"""The status of an app, from the state of each of its objects. Pure: time and the status before come as arguments.

What holds here:

* `Ready` says of the first object that does not work which it is and why, in its own controller's words.
* A condition's time changes only with its status, so equal states give equal statuses, and nothing is written.
* Nothing in a message is a control character but line ends: it may come from a program in a Pod, by way of its
  controller, and is read in terminals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp.cluster.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from patternapp import errors
    from patternapp.cluster.desired import Desired
    from patternapp.cluster.resources import Object, Ref
    from patternapp.cluster.seen import Seen

READY, PAUSED = "Ready", "Paused"
_FIELDS = ("observedGeneration", "conditions", "url", "functions", "objects", "inventory")
_SHOWN_PROBLEMS = 10
_MESSAGE_LIMIT = 4_000


@dataclass(frozen=True, slots=True)
class State:
    """One object that the app wants: what it counts for and whether it works."""

    ref: Ref
    aspect: str
    readiness: Readiness


@dataclass(frozen=True, slots=True)
class Frame:
    """The app's status before, its generation, and the time as metav1.Time."""

    status: Mapping[str, Any]
    generation: int
    now: str

    def condition(self, kind: str, told: Readiness) -> Object:
        """A condition, whose time is that of the one before unless its status changed."""
        before = next((one for one in self.status.get("conditions") or () if one["type"] == kind), None)
        changed = before is None or before["status"] != told.status
        return {
            "type": kind,
            "status": told.status,
            "reason": _word(told.reason),
            "message": _quiet(told.message[:_MESSAGE_LIMIT]),
            "observedGeneration": self.generation,
            "lastTransitionTime": self.now if changed or before is None else before["lastTransitionTime"],
        }


def ready(states: Sequence[State]) -> Readiness:
    """Whether all work; otherwise the first that fails, or else the first of which it is not known."""
    bad = next((one for one in states if one.readiness.status == "False"), None)
    bad = bad or next((one for one in states if one.readiness.status == "Unknown"), None)
    if bad is None:
        return Readiness("True", "Ready", f"{len(states)} of {len(states)} objects are ready")
    told = bad.readiness
    return Readiness(told.status, told.reason, f"{bad.ref}: {told.message or told.reason}")


def told(frame: Frame, desired: Desired, states: Sequence[State], seen: Mapping[Ref, Seen]) -> Object:
    """The status of an app whose objects are known; without its inventory."""
    aspects = sorted({state.aspect for state in states})
    conditions = [frame.condition(READY, ready(states))]
    conditions += [frame.condition(name, ready([one for one in states if one.aspect == name])) for name in aspects]
    working = {one.ref for one in states if one.readiness.status == "True"}
    status: Object = {
        "observedGeneration": frame.generation,
        "conditions": conditions,
        "functions": [_function(name, ref, seen, working) for name, ref in desired.functions],
        "objects": {"desired": len(states), "ready": len(working)},
    }
    gateway = seen.get(desired.gateway) if desired.gateway is not None else None
    return status | ({"url": gateway.url} if gateway is not None and gateway.url else {})


def refused(frame: Frame, problems: Iterable[errors.Problem]) -> Object:
    """The status of an app that cannot be compiled: what was made of an earlier spec stays as it is."""
    listed = list(problems)
    shown = [f"{one.path}: {one.message} [{one.reason}]" for one in listed[:_SHOWN_PROBLEMS]]
    if len(listed) > _SHOWN_PROBLEMS:
        shown.append(f"and {len(listed) - _SHOWN_PROBLEMS} more")
    kept = {key: value for key, value in frame.status.items() if key not in {"conditions", "observedGeneration"}}
    condition = frame.condition(READY, Readiness("False", listed[0].reason, "\n".join(shown)))
    return kept | {"observedGeneration": frame.generation, "conditions": [condition]}


def paused(frame: Frame) -> Object:
    """The status of an app that is left alone: as before, and that it is paused."""
    message = "the annotation patternapp.dev/paused is set: nothing is made, mended or deleted until it is taken away"
    condition = frame.condition(PAUSED, Readiness("True", "Paused", message))
    others = [one for one in frame.status.get("conditions") or () if one["type"] != PAUSED]
    return {**frame.status, "conditions": [*others, condition]}


def patch(status: Mapping[str, Any]) -> Object:
    """A merge patch that leaves exactly `status`."""
    return {field: status.get(field) for field in _FIELDS}


def find(status: Mapping[str, Any], kind: str) -> Object | None:
    """A condition of a status."""
    found: Object | None = next((one for one in status.get("conditions") or () if one["type"] == kind), None)
    return found


def _function(name: str, ref: Ref | None, seen: Mapping[Ref, Seen], working: set[Ref]) -> Object:
    """A function that only workers or Jobs run has no address and counts as ready."""
    live = seen.get(ref) if ref is not None else None
    return {"name": name, "ready": ref is None or ref in working} | ({"url": live.url} if live and live.url else {})


def _quiet(message: str) -> str:
    """A message without what a terminal would obey."""
    if message.isprintable():
        return message
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in message)


def _word(reason: str) -> str:
    """A reason as metav1.Condition wants it; some controllers write sentences."""
    cleaned = re.sub(r"[^A-Za-z0-9_,:]", "", reason)[:256].strip(",:")
    return cleaned if cleaned[:1].isalpha() else f"Reason{cleaned}"
