"""The programming model: FastAPI applications whose handlers receive CloudEvents.

Belongs here: what a function's own code imports, and what runs it (`patternapp.receiver.server`). Does not: anything
of the resource, its plan or its runtime; a receiver knows only HTTP.

The public names load on first use, so that `patternapp serve` of a plain ASGI application imports nothing of these.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patternapp.cloudevents import Event
    from patternapp.receiver.app import Receiver
    from patternapp.receiver.context import trace_headers
    from patternapp.receiver.idempotency.settings import Idempotency
    from patternapp.receiver.outcomes import Failures, Reject, Retry

__all__ = ["Event", "Failures", "Idempotency", "Receiver", "Reject", "Retry", "trace_headers"]

_HOMES = {
    "Event": "patternapp.cloudevents",
    "Failures": "patternapp.receiver.outcomes",
    "Idempotency": "patternapp.receiver.idempotency.settings",
    "Receiver": "patternapp.receiver.app",
    "Reject": "patternapp.receiver.outcomes",
    "Retry": "patternapp.receiver.outcomes",
    "trace_headers": "patternapp.receiver.context",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
