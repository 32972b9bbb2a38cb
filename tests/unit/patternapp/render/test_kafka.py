from __future__ import annotations

import json
from typing import Any

import pytest

LOG = {"bootstrapServers": ["kafka:9092"], "topics": ["clicks"], "consumerGroup": "shop-clicks", "secretName": "login"}
STREAM = {"name": "clicks", "kafka": LOG, "function": "orders"}


def net(made: Any, **fields: str) -> dict[str, Any]:
    found: dict[str, Any] = made(streams=[STREAM | {"kafka": LOG | fields}])["KafkaSource", "shop-stream-clicks"][
        "spec"
    ]["net"]
    return found


@pytest.mark.parametrize(
    ("fields", "sasl", "tls"),
    [
        ({}, {"enable", "type", "user", "password"}, {"enable", "caCert"}),
        ({"protocol": "SASL_PLAINTEXT"}, {"enable", "type", "user", "password"}, set()),
        ({"protocol": "SSL"}, set(), {"enable", "caCert", "cert", "key"}),
    ],
)
def test_a_source_logs_in_by_the_protocol_of_the_app(
    fields: dict[str, str], sasl: set[str], tls: set[str], made: Any
) -> None:
    found = net(made, **fields)

    assert (set(found.get("sasl", ())), set(found.get("tls", ()))) == (sasl, tls)


def test_a_worker_is_told_how_to_log_in_with_the_defaults_filled_in(made: Any) -> None:
    items = made(streams=[STREAM | {"batch": {"max": 5}}])

    config = json.loads(items["ConfigMap", "shop-stream-clicks"]["data"]["config.json"])
    assert config["kafka"]["protocol"] == "SASL_SSL"
    assert config["kafka"]["saslMechanism"] == "SCRAM-SHA-512"
    assert config["kafka"]["secretName"] == "login"


def test_events_of_the_broker_reach_an_ordered_log_in_order(made: Any) -> None:
    def annotations(**fields: str) -> Any:
        trigger = made(streams=[STREAM | {"filters": []} | fields])["Trigger", "shop-stream-clicks"]
        return trigger["metadata"].get("annotations")

    assert annotations() == {"kafka.eventing.knative.dev/delivery.order": "ordered"}
    assert annotations(ordering="unordered") is None
