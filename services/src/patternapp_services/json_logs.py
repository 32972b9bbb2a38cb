"""Logs as lines of JSON on standard error: `time`, `level`, `logger`, `message`, and `error` with a traceback."""

from __future__ import annotations

import datetime as dt
import json
import logging


class Formatter(logging.Formatter):
    """One record as one line."""

    def format(self, record: logging.LogRecord) -> str:
        time = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


_CHATTY = ("kafka", "aio_pika", "aiormq")
"""They tell of every attempt to reconnect, many a second; what it means is told by whoever uses them."""


def install() -> None:
    """Log everything of ours from `info` on, and of others from `warning` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("patternapp_services").setLevel(logging.INFO)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
