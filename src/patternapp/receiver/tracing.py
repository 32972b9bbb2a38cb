"""Whether traces are wanted, by OpenTelemetry's own variables; while they are not, nothing of it is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.receiver.spans import Spans

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORTER = "OTEL_TRACES_EXPORTER"


def begin(environment: Mapping[str, str], *, name: str) -> Spans | None:
    """Tracing in the name of a function, None where none is wanted.

    Raises:
        EnvironmentProblem: The variables want what there is not.
    """
    if not _wanted(environment):
        return None
    try:
        from patternapp.receiver import spans  # noqa: PLC0415 - nothing of it is imported while it is off
    except ImportError as error:
        raise errors.EnvironmentProblem(
            f"OTEL_* variables ask for traces, but {error.name} is not installed; install "
            "patternapp[receiver,tracing], or set OTEL_SDK_DISABLED=true"
        ) from error
    return spans.Spans(name)


def _wanted(environment: Mapping[str, str]) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get(_EXPORTER, "")
    if exporter not in {"", "none", "otlp"}:
        raise errors.EnvironmentProblem(f"traces cannot be sent by {exporter!r}; set {_EXPORTER} to otlp or none")
    return exporter == "otlp" or (exporter == "" and any(environment.get(name) for name in _ENDPOINTS))
