"""OpenTelemetry's variables say whether traces are wanted."""

from __future__ import annotations

import pytest

from patternapp import errors
from patternapp.telemetry import tracing

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({ENDPOINT: "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", ENDPOINT: "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "TRUE", ENDPOINT: "http://collector:4318"}, False),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
    ],
)
def test_traces_are_wanted_where_the_variables_say_where_they_go(environment: dict[str, str], *, wanted: bool) -> None:
    assert tracing.wanted(environment) is wanted


@pytest.mark.parametrize(
    ("environment", "flaw"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "'zipkin'; set OTEL_TRACES_EXPORTER"),
        (
            {ENDPOINT: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "by grpc; set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ),
    ],
)
def test_a_way_to_send_that_there_is_not_is_an_error_with_its_mend(environment: dict[str, str], flaw: str) -> None:
    with pytest.raises(errors.EnvironmentProblem, match=flaw):
        tracing.wanted(environment)


def test_what_is_not_installed_is_named_with_what_to_install() -> None:
    with (
        pytest.raises(errors.EnvironmentProblem, match=r"nowhere is not installed; install patternapp\[tracing\]"),
        tracing.importing("patternapp[tracing]"),
    ):
        raise ModuleNotFoundError(name="nowhere")
