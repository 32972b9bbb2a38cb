"""Logs as one JSON object a line on standard error.

What holds here: a line has time, level, logger and message, what `about` was told, the trace that goes on, and the
traceback of an error. Nothing else gets into it, whatever a library hangs on its records.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from patternapp.cluster.resources import AppKey, Ref

_QUIET = ("kopf", "aiohttp", "asyncio", "kubernetes", "urllib3")
"""Loggers that tell of every event or request, some with its body; of them only warnings are wanted, at any level."""
_ABOUT = "patternapp_about"


def about(app: AppKey, *, item: Ref | None = None, reason: str = "") -> dict[str, dict[str, str]]:
    """What a line is about, for `extra`: an app, one of its objects, and why, in one word as conditions have it."""
    told = {"namespace": app.namespace, "app": app.name}
    if item is not None:
        told["object"] = str(item)
    if reason:
        told["reason"] = reason
    return {_ABOUT: told}


class JsonFormatter(logging.Formatter):
    """Writes records as JSON."""

    def __init__(self, trace_id: Callable[[], str] = str) -> None:
        """`trace_id` tells the trace that goes on; empty where there is none."""
        super().__init__()
        self._trace_id = trace_id

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, str] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, _ABOUT, {}),
        }
        if trace_id := self._trace_id():
            entry["trace_id"] = trace_id
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def begin(level: str, trace_id: Callable[[], str] = str) -> None:
    """Log from here on, from this level up.

    Raises:
        ValueError: there is no such level.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(trace_id))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
