"""OpenTelemetry's side of traces, sent by OTLP over HTTP. Imported only where they are wanted.

What holds here: exporter, sampler, limits and resource are what the OTEL_* variables say. Spans are sent from a thread
of the library's, so nothing waits for the collector but the provider's `shutdown`.
"""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk import resources, trace
from opentelemetry.sdk.trace import export


def provider(attributes: dict[str, str]) -> trace.TracerProvider:
    """A provider for a process; what the environment says of its resource goes before these attributes."""
    said = resources.OTELResourceDetector().detect()
    made = trace.TracerProvider(resource=resources.Resource(dict(attributes)).merge(said), shutdown_on_exit=False)
    made.add_span_processor(export.BatchSpanProcessor(trace_exporter.OTLPSpanExporter()))
    return made
