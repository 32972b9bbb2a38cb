"""Spans of a function's events by OpenTelemetry. Imported only where they are wanted.

What holds here:

* A provider that the application has set itself is used as it is.
* A span is a child of the place in its trace where the event came from. The events of a batch have traces of their own,
  so the span of a batch only links to them (semantic conventions for messaging, "Batch receiving").
* No data, and no text of an error, is ever in a span.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.sdk import trace as sdk
from opentelemetry.trace.propagation import tracecontext

from patternapp.receiver import context, outcomes
from patternapp.telemetry import provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from patternapp import batches
    from patternapp.cloudevents import Event
    from patternapp.receiver.context import Trace
    from patternapp.receiver.readers import Wire
    from patternapp.receiver.steps import Step

OTHER = "other"
_LINKS = 128
"""Links that a span has at most, as the library's limit is."""
_ATTRIBUTES = ("id", "source", "type", "subject")
_PROPAGATOR = tracecontext.TraceContextTextMapPropagator()


class Spans:
    """Tracing of one function."""

    def __init__(self, name: str) -> None:
        self._own: sdk.TracerProvider | None = None
        if not isinstance(trace.get_tracer_provider(), sdk.TracerProvider):
            self._own = provider.provider({"service.name": name})
            trace.set_tracer_provider(self._own)
        self._tracer = trace.get_tracer("patternapp.receiver")

    def step(self, following: Step, known: frozenset[str]) -> Step:
        """A step that traces those behind it."""
        return _Traced(following, known, self._tracer)

    def close(self) -> None:
        """Send what has not been sent. It may take some seconds."""
        if self._own is not None:
            self._own.shutdown()


class _Traced:
    def __init__(self, following: Step, known: frozenset[str], tracer: trace.Tracer) -> None:
        self._following = following
        self._known = known
        self._tracer = tracer

    async def deliver(self, event: Wire) -> Event[bytes | None] | None:
        request = context.trace.get()
        context.enter(event)
        parent = context.trace.get()
        links = _links([request] if request is not None and request != parent else [])
        kind = str(event.attributes["type"])
        attributes: dict[str, str | int] = {
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            **{
                f"cloudevents.event_{name}": str(event.attributes[name])
                for name in _ATTRIBUTES
                if name in event.attributes
            },
        }
        with self._span(f"process {kind if kind in self._known else OTHER}", parent, links, attributes):
            return await self._following.deliver(event)

    async def deliver_batch(self, events: Iterable[Wire]) -> tuple[batches.Failure, ...]:
        events = tuple(events)
        of_events = (context.trace_of(e.attributes.get("traceparent"), e.attributes.get("tracestate")) for e in events)
        links = _links([one for one in of_events if one is not None][:_LINKS])
        attributes: dict[str, str | int] = {
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.batch.message_count": len(events),
        }
        with self._span("process batch", context.trace.get(), links, attributes) as span:
            failed = await self._following.deliver_batch(events)
            if failed:
                span.set_attribute("patternapp.batch.failed", len(failed))
            return failed

    @contextlib.contextmanager
    def _span(
        self, name: str, parent: Trace | None, links: Sequence[trace.Link], attributes: Mapping[str, str | int]
    ) -> Iterator[trace.Span]:
        with self._tracer.start_as_current_span(
            name,
            context=None if parent is None else _PROPAGATOR.extract(_carrier(parent)),
            kind=trace.SpanKind.CONSUMER,
            attributes=attributes,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            carrier: dict[str, str] = {}
            _PROPAGATOR.inject(carrier)
            context.trace.set(context.trace_of(carrier.get("traceparent"), carrier.get("tracestate")))
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                if not isinstance(error, outcomes.Retry):
                    span.set_status(trace.StatusCode.ERROR)
                raise


def _carrier(place: Trace) -> dict[str, str]:
    return {"traceparent": place.parent, "tracestate": place.state}


def _links(places: Iterable[Trace]) -> list[trace.Link]:
    contexts = (trace.get_current_span(_PROPAGATOR.extract(_carrier(place))).get_span_context() for place in places)
    return [trace.Link(one) for one in contexts if one.is_valid]
