"""Logs as one JSON object a line on standard error: what a line is about, and the trace that goes on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from patternapp.telemetry import json_logs

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


def formatter(trace_id: Callable[[], str] = str) -> json_logs.JsonFormatter:
    """Writes what a line is about; `trace_id` tells the trace that goes on, empty where there is none."""

    def more(record: logging.LogRecord) -> dict[str, str]:
        trace = trace_id()
        return {**getattr(record, _ABOUT, {}), **({"trace_id": trace} if trace else {})}

    return json_logs.JsonFormatter(more)


def begin(level: str, trace_id: Callable[[], str] = str) -> None:
    """Log from here on, from this level up.

    Raises:
        ValueError: there is no such level.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(trace_id))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
