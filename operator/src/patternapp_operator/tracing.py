"""Traces of what a replica does: a span for each run over an app, and below it one for each request to the API server.

What holds here:

* It is off unless the environment says where traces go, in the variables that OpenTelemetry defines for that. While it
  is off nothing of OpenTelemetry is imported, and a span is one object that is there already.
* A span says which app, which kind and how it ended; what a user wrote into an object is never in it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from patternapp.telemetry import tracing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from patternapp.cluster.resources import AppKey


class Span(Protocol):
    """Something that takes time."""

    def set_attribute(self, key: str, value: str | int) -> object:
        """Say something about it; only while it lasts."""
        ...


class Tracing(Protocol):
    """Where spans begin."""

    def run(self, app: AppKey) -> AbstractContextManager[Span]:
        """A run over an app; what is begun in its block lies below it."""
        ...

    def request(self, method: str, path: str, headers: dict[str, str]) -> AbstractContextManager[Span]:
        """A request that belongs to a run, if one goes on; `headers` get its W3C trace context."""
        ...

    def trace_id(self) -> str:
        """The trace that goes on, in hexadecimal; empty without one."""
        ...

    def close(self) -> None:
        """Send what has not been sent. It may take some seconds."""
        ...


class Off:
    """No tracing."""

    def run(self, app: AppKey) -> AbstractContextManager[Span]:  # noqa: ARG002 - the protocol's
        return _NOTHING

    def request(self, method: str, path: str, headers: dict[str, str]) -> AbstractContextManager[Span]:  # noqa: ARG002 - the protocol's
        return _NOTHING

    def trace_id(self) -> str:
        return ""

    def close(self) -> None:
        """Nothing was begun."""


class _Nothing(contextlib.AbstractContextManager["_Nothing"]):
    """A span that nobody sees; it keeps nothing, so one is enough."""

    def __exit__(self, *_: object) -> None:
        return None

    def set_attribute(self, key: str, value: str | int) -> None:
        """Nobody sees it."""


_NOTHING = _Nothing()
OFF = Off()


def begin(environment: Mapping[str, str], identity: str) -> Tracing:
    """Tracing as the OTEL_* variables want it, in the name of one replica.

    Raises:
        errors.EnvironmentProblem: they want what there is not.
    """
    if not tracing.wanted(environment):
        return OFF
    with tracing.importing("patternapp[tracing]"):
        from patternapp_operator import spans  # noqa: PLC0415 - nothing of it is imported while it is off
    return spans.Spans(identity)
