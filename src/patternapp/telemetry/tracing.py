"""Whether traces are wanted, by OpenTelemetry's own variables; while they are not, nothing of it is imported."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORTER = "OTEL_TRACES_EXPORTER"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN = "http/protobuf"


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the variables want traces.

    Raises:
        EnvironmentProblem: They want them sent in a way that there is not.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get(_EXPORTER, "")
    if exporter not in {"", "none", "otlp"}:
        raise errors.EnvironmentProblem(f"traces cannot be sent by {exporter!r}; set {_EXPORTER} to otlp or none")
    if exporter == "none" or (exporter == "" and not any(environment.get(name) for name in _ENDPOINTS)):
        return False
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _SPOKEN)
    if protocol != _SPOKEN:
        raise errors.EnvironmentProblem(
            f"traces cannot be sent by {protocol}; set {_PROTOCOLS[0]} to {_SPOKEN}, and {_ENDPOINTS[0]} to a"
            " collector that takes it"
        )
    return True


@contextlib.contextmanager
def importing(extra: str) -> Iterator[None]:
    """Say what to install if OpenTelemetry is imported in the block and is not there.

    Raises:
        EnvironmentProblem: It is not there.
    """
    try:
        yield
    except ImportError as error:
        raise errors.EnvironmentProblem(
            f"OTEL_* variables ask for traces, but {error.name} is not installed; install {extra}, or set"
            " OTEL_SDK_DISABLED=true"
        ) from error
