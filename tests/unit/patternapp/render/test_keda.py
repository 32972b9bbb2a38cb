from __future__ import annotations

from typing import Any

import pytest

KAFKA = {"bootstrapServers": ["kafka:9092"], "topic": "invoices"}
QUEUE = {"name": "invoices", "kafka": KAFKA, "function": "orders"}
NAME = "shop-queue-invoices"


def login(**fields: str) -> dict[str, Any]:
    return QUEUE | {"kafka": KAFKA | {"secretName": "login"} | fields}


def scaler(items: Any) -> dict[str, Any]:
    (found,) = items["ScaledObject", NAME]["spec"]["triggers"]
    metadata: dict[str, Any] = found["metadata"]
    return metadata


def parameters(items: Any) -> dict[str, str]:
    targets = items["TriggerAuthentication", NAME]["spec"]["secretTargetRef"]
    assert {target["name"] for target in targets} == {"login"}
    return {target["parameter"]: target["key"] for target in targets}


def test_every_setting_that_can_lose_or_strand_events_is_written_out(made: Any) -> None:
    assert scaler(made(queues=[QUEUE])) == {
        "bootstrapServers": "kafka:9092",
        "version": "2.1.0",
        "topic": "invoices",
        "consumerGroup": "patternapp.shop.invoices",
        "lagThreshold": "100",
        "activationLagThreshold": "0",
        "offsetResetPolicy": "earliest",
        "scaleToZeroOnInvalidOffset": "false",
        "allowIdleConsumers": "false",
        "limitToPartitionsWithLag": "false",
        "excludePersistentLag": "false",
    }


def test_an_outage_keeps_what_runs_and_wakes_one_from_zero(made: Any) -> None:
    spec = made(queues=[QUEUE])["ScaledObject", NAME]["spec"]

    assert spec["fallback"] == {"failureThreshold": 3, "replicas": 1, "behavior": "currentReplicasIfHigher"}


@pytest.mark.parametrize(
    ("fields", "words", "keys"),
    [
        ({}, ("scram_sha512", "enable"), {"username", "password", "ca"}),
        ({"saslMechanism": "SCRAM-SHA-256"}, ("scram_sha256", "enable"), {"username", "password", "ca"}),
        (
            {"protocol": "SASL_PLAINTEXT", "saslMechanism": "PLAIN"},
            ("plaintext", "disable"),
            {"username", "password"},
        ),
        ({"protocol": "SSL"}, ("none", "enable"), {"ca", "cert", "key"}),
    ],
)
def test_a_login_is_told_in_keda_s_words_and_its_keys_are_knative_s(
    fields: dict[str, str], words: tuple[str, str], keys: set[str], made: Any
) -> None:
    items = made(queues=[login(**fields)])

    metadata = scaler(items)
    assert (metadata["sasl"], metadata["tls"]) == words
    known = {"username": "user", "password": "password", "ca": "ca.crt", "cert": "user.crt", "key": "user.key"}
    assert parameters(items) == {name: known[name] for name in keys}


def test_a_queue_of_rabbitmq_is_opened_by_its_url(made: Any) -> None:
    items = made(queues=[{"name": "invoices", "rabbitmq": {"secretName": "login"}, "function": "orders"}])

    assert parameters(items) == {"host": "url"}
    assert scaler(items)["mode"] == "QueueLength"
