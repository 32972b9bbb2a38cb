"""Traces of what a replica does: a span for each run over an app, and below it one for each request to the API server.

What holds here:

* It is off unless the environment says where traces go, in the variables that OpenTelemetry defines for that. While it
  is off nothing of OpenTelemetry is imported, and a span is one object that is there already.
* A span says which app, which kind and how it ended; what a user wrote into an object is never in it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from patternapp.cluster.resources import AppKey

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORTER = "OTEL_TRACES_EXPORTER"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


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
    if not _wanted(environment):
        return OFF
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        raise errors.EnvironmentProblem(
            f"traces cannot be sent by {protocol}; set {_PROTOCOLS[0]} to http/protobuf, and {_ENDPOINTS[0]} to a"
            " collector that takes it"
        )
    try:
        from patternapp_operator import spans  # noqa: PLC0415 - nothing of it is imported while it is off
    except ImportError as error:
        raise errors.EnvironmentProblem(
            f"OTEL_* variables ask for traces, but {error.name} is not installed; install patternapp[tracing] or set"
            " OTEL_SDK_DISABLED=true"
        ) from error
    return spans.Spans(identity)


def _wanted(environment: Mapping[str, str]) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get(_EXPORTER, "")
    if exporter not in {"", "none", "otlp"}:
        raise errors.EnvironmentProblem(f"traces cannot be sent by {exporter!r}; set {_EXPORTER} to otlp or none")
    return exporter == "otlp" or (exporter == "" and any(environment.get(name) for name in _ENDPOINTS))
