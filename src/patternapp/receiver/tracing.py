"""Traces of a function's events, if they are wanted; while they are not, nothing of OpenTelemetry is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.telemetry import tracing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.receiver.spans import Spans


def begin(environment: Mapping[str, str], *, name: str) -> Spans | None:
    """Tracing in the name of a function, None where none is wanted.

    Raises:
        EnvironmentProblem: The variables want what there is not.
    """
    if not tracing.wanted(environment):
        return None
    with tracing.importing("patternapp[receiver,tracing]"):
        from patternapp.receiver import spans  # noqa: PLC0415 - nothing of it is imported while it is off
    return spans.Spans(name)
