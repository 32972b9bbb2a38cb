"""What the code that runs now works for: events, and the trace that they belong to.

What holds here: it is per task and thread, as context variables are, so that handlers at work side by side are told
apart. A trace that is not one by W3C's rules is as none.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from patternapp.cloudevents import Event

# Trace Context 3.2: version ff is invalid, and so are ids of zeros; a later version may have more fields.
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_STATE_LIMIT = 512


class Trace(NamedTuple):
    """A place in a trace: the headers ``traceparent`` and ``tracestate``, the latter possibly empty."""

    parent: str
    state: str

    @property
    def id(self) -> str:
        """The trace's id, 32 digits."""
        return self.parent[3:35]


events: ContextVar[tuple[Event[Any], ...]] = ContextVar("patternapp_events", default=())
"""Those that the handler has: one, or a batch; none outside of handlers."""
trace: ContextVar[Trace | None] = ContextVar("patternapp_trace", default=None)
"""Where what is done now belongs."""


def trace_of(parent: object, state: object) -> Trace | None:
    """The trace that these texts name, if they do."""
    if not isinstance(parent, str) or not _PARENT.fullmatch(parent):
        return None
    known = isinstance(state, str) and len(state) <= _STATE_LIMIT and state.isascii() and state.isprintable()
    return Trace(parent, str(state) if known else "")


def trace_headers() -> dict[str, str]:
    """``traceparent`` and ``tracestate`` for what a handler sends: HTTP headers, or extensions of an event."""
    known = trace.get()
    if known is None:
        return {}
    return {"traceparent": known.parent} | ({"tracestate": known.state} if known.state else {})


def enter(event: Event[Any]) -> None:
    """Work on this event from now on.

    Its own trace, kept in its extensions since it was made, counts; but where the request was traced as a later place
    of that same trace, the later place does.
    """
    events.set((event,))
    if "traceparent" in event.attributes:
        own = trace_of(event.attributes["traceparent"], event.attributes.get("tracestate"))
        known = trace.get()
        if own is not None and (known is None or known.id != own.id):
            trace.set(own)
