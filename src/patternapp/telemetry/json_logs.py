"""Logs as one JSON object a line.

What holds here: a line has `time`, `level`, `logger`, `message`, what its process adds, and the `traceback` of an
error. Nothing else gets into it, whatever a library hangs on its records.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def nothing(record: logging.LogRecord) -> Mapping[str, object]:  # noqa: ARG001 - what adds to a record gets the record
    """What is added where nothing is."""
    return {}


class JsonFormatter(logging.Formatter):
    """Writes records as JSON."""

    def __init__(self, more: Callable[[logging.LogRecord], Mapping[str, object]] = nothing) -> None:
        """`more` tells what is added to the line of a record."""
        super().__init__()
        self._more = more

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._more(record),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            entry["stack"] = self.formatStack(record.stack_info)
        return json.dumps(entry, ensure_ascii=False)
