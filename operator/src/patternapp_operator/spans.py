"""Traces by OpenTelemetry. Imported only where they are wanted.

What holds here: nothing of the process is set globally.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace.propagation import tracecontext

from patternapp.telemetry import provider

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from patternapp.cluster.resources import AppKey
    from patternapp_operator.tracing import Span

SERVICE = "patternapp-operator"


class Spans:
    """Spans of one replica."""

    def __init__(self, identity: str) -> None:
        """Begin, in the name of a replica."""
        self._provider = provider.provider({"service.name": SERVICE, "service.instance.id": identity})
        self._tracer = self._provider.get_tracer(SERVICE)
        self._propagator = tracecontext.TraceContextTextMapPropagator()

    def run(self, app: AppKey) -> AbstractContextManager[Span]:
        """A run over an app; what is begun in its block lies below it."""
        attributes = {"k8s.namespace.name": app.namespace, "patternapp.app": app.name}
        return self._span("reconcile", trace.SpanKind.INTERNAL, attributes)

    @contextlib.contextmanager
    def request(self, method: str, path: str, headers: dict[str, str]) -> Iterator[Span]:
        """A request that belongs to a run, if one goes on; `headers` get its W3C trace context."""
        if not trace.get_current_span().is_recording():
            yield trace.INVALID_SPAN
            return
        attributes = {"http.request.method": method, "url.path": path}
        with self._span(f"{method} {_target(path)}", trace.SpanKind.CLIENT, attributes) as span:
            self._propagator.inject(headers)
            yield span

    def trace_id(self) -> str:
        """The trace that goes on, in hexadecimal; empty without one."""
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else ""

    def close(self) -> None:
        """Send what has not been sent. It may take some seconds."""
        self._provider.shutdown()

    @contextlib.contextmanager
    def _span(self, name: str, kind: trace.SpanKind, attributes: Mapping[str, str]) -> Iterator[trace.Span]:
        # The library would write down an error's text, and a server's answer can quote what a user wrote.
        with self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(trace.StatusCode.ERROR)
                raise


def _target(path: str) -> str:
    """What a request is about, in few words: the kind's plural, and the subresource where there is one."""
    parts = path.split("/")
    place = parts.index("namespaces") + 2 if "namespaces" in parts else len(parts) - 1
    plural, *rest = parts[place:]
    return "/".join([plural, *rest[1:]])
