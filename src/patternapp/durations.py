"""Durations as people write them, in Go's notation: ``500ms``, ``30s``, ``1h30m``."""

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
