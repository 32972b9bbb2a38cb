"""Logs of a function: every line that a handler logs says which event it had.

What holds here: on a terminal a line is for people, anywhere else it is one JSON object. An application that set up
logging itself keeps what it set up, and can put `EventFilter` on its own handlers.
"""

from __future__ import annotations

import logging
import sys

from patternapp.receiver import context
from patternapp.telemetry import json_logs

LEVELS = ("debug", "info", "warning", "error")
_NAMED = ("id", "source", "type")


class EventFilter(logging.Filter):
    """Puts on each record what its code worked for.

    A record gets ``event``, a dict of id, source and type, or None; ``events``, how many there were, more than one in
    a batch, of which ``event`` is the first; and ``trace_id``, empty where there is no trace.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        events = context.events.get()
        trace = context.trace.get()
        record.event = {name: str(events[0].attributes[name]) for name in _NAMED} if events else None
        record.events = len(events)
        record.trace_id = "" if trace is None else trace.id
        return True


def told(record: logging.LogRecord) -> dict[str, object]:
    """What a line of JSON tells of a record that passed `EventFilter`."""
    entry: dict[str, object] = {}
    if event := getattr(record, "event", None):
        entry = {"event": event, "events": getattr(record, "events", 1)}
    if trace_id := getattr(record, "trace_id", ""):
        entry["trace_id"] = trace_id
    return entry


class TextFormatter(logging.Formatter):
    """Writes records that passed `EventFilter` for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        text = super().formatMessage(record)
        event = getattr(record, "event", None)
        if event is None:
            return text
        more = getattr(record, "events", 1) - 1
        return f"{text} [{event['type']} {event['id']}{f' and {more} more' if more > 0 else ''}]"


def begin(level: str) -> None:
    """Log to standard error from this level up, one of `LEVELS`, unless the application has set up logging itself."""
    if logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.addFilter(EventFilter())
    handler.setFormatter(TextFormatter() if sys.stderr.isatty() else json_logs.JsonFormatter(told))
    logging.basicConfig(level=level.upper(), handlers=[handler])
