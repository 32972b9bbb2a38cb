"""Durations: as people write them (Go's ``500ms``, ``1h30m``) and as Knative wants them (ISO 8601)."""

from __future__ import annotations

import re

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
_WHOLE = re.compile(PATTERN)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")


def milliseconds(text: str) -> int:
    """The length of `text` in whole milliseconds.

    Raises:
        ValueError: `text` is not a Go-style duration; the message says how one looks.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write one like 500ms, 30s, 5m or 1h30m")
    return round(sum(float(number) * _UNITS_MS[unit] for number, unit in _PART.findall(text)))


def seconds(text: str) -> float:
    """The length of `text` in seconds; raises as `milliseconds` does."""
    return milliseconds(text) / 1_000


def iso8601(text: str) -> str:
    """`text` as the ISO 8601 period that Knative reads, such as ``PT0.5S``; raises as `milliseconds` does."""
    whole, rest = divmod(milliseconds(text), 1_000)
    fraction = f".{rest:03}".rstrip("0") if rest else ""
    return f"PT{whole}{fraction}S"
