"""Logs of a service, as lines of JSON on standard error."""

from __future__ import annotations

import logging

from patternapp.telemetry import json_logs

_CHATTY = ("kafka", "aio_pika", "aiormq")
"""They tell of every attempt to reconnect, many a second; what it means is told by whoever uses them."""


def begin() -> None:
    """Log everything of ours from `info` on, and of others from `warning` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(json_logs.JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("patternapp_services").setLevel(logging.INFO)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
