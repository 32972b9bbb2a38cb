"""How a log is opened: what the configuration says, and what its Secret adds."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - a fixture's type
from typing import Any

import pytest

from patternapp import errors
from patternapp_services import connections

LOGIN = {"user": "u", "password": "p"}


def kafka(**more: Any) -> connections.Kafka:
    return connections.Kafka.model_validate(
        {"bootstrapServers": ("a:9092", "b:9092"), "topic": "t", **more}, strict=False
    )


def secret(folder: Path, keys: dict[str, str]) -> connections.Secrets:
    place = folder / "kafka"
    place.mkdir()
    for name, value in keys.items():
        (place / name).write_text(f"{value}\n")
    return connections.Secrets(folder)


def test_without_a_secret_the_connection_is_in_the_clear(tmp_path: Path) -> None:
    assert connections.kafka_options(kafka(), connections.Secrets(tmp_path)) == {
        "bootstrap_servers": ["a:9092", "b:9092"]
    }


def test_what_the_configuration_says_counts_before_what_the_secret_says(tmp_path: Path) -> None:
    secrets = secret(tmp_path, {**LOGIN, "protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"})

    options = connections.kafka_options(
        kafka(secretName="kafka", protocol="SASL_PLAINTEXT", saslMechanism="SCRAM-SHA-256"), secrets
    )

    assert options == {
        "bootstrap_servers": ["a:9092", "b:9092"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "u",
        "sasl_plain_password": "p",
    }


def test_a_secret_that_says_nothing_means_tls_and_scram(tmp_path: Path) -> None:
    options = connections.kafka_options(kafka(secretName="kafka"), secret(tmp_path, LOGIN))

    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert options["ssl_context"].check_hostname


def test_a_client_certificate_needs_no_password(tmp_path: Path) -> None:
    options = connections.kafka_options(kafka(secretName="kafka", protocol="SSL"), secret(tmp_path, {}))

    assert "sasl_mechanism" not in options


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"user": "u"}, "the Secret kafka has no key password"),
        ({"user": "u", "password": ""}, "the Secret kafka has no key password"),
        ({**LOGIN, "ca.crt": "not PEM"}, "the certificates in the Secret kafka cannot be used"),
    ],
)
def test_a_secret_that_lacks_something_is_named(tmp_path: Path, keys: dict[str, str], said: str) -> None:
    with pytest.raises(errors.EnvironmentProblem, match=said):
        connections.kafka_options(kafka(secretName="kafka"), secret(tmp_path, keys))


def test_a_secret_that_is_not_mounted_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.EnvironmentProblem, match="the Secret kafka is not mounted"):
        connections.kafka_options(kafka(secretName="kafka"), connections.Secrets(tmp_path))
