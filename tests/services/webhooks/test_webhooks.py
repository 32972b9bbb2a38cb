"""The role `webhooks` as the image runs it: another system calls it, and it calls the Broker."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

import pytest
from services.programs import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.functions import Function

HOOK = {
    "path": "/hooks/push",
    "type": "shop.push",
    "verify": {"github": {"secretName": "push-hook"}},
    "marker": "event-driven.push",
}
BODY = b'{"ref":"main"}'


def signed(body: bytes, secret: bytes = b"s3cret") -> dict[str, str]:
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}", "x-github-delivery": "d1"}


@pytest.fixture
def service(broker: Function, tmp_path: Path) -> Iterator[Service]:
    secret = tmp_path / "secrets" / "push-hook" / "secret"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(b"s3cret")
    running = Service("webhooks", {"webhooks": [HOOK]}, folder=tmp_path, env={"K_SINK": broker.url}).start()
    yield running
    running.program.stop()


def test_a_proven_call_becomes_an_event_of_the_broker(service: Service, broker: Function) -> None:
    status, _, _ = service.post("/hooks/push", BODY, signed(BODY))

    ((event,),) = [call.events for call in broker.calls]
    assert status == 202
    assert {name: event[name] for name in ("id", "type", "source", "patternappsource")} == {
        "id": "d1",
        "type": "shop.push",
        "source": "/webhooks/push",
        "patternappsource": "event-driven.push",
    }
    assert event["data"] == BODY


def test_the_broker_is_told_who_sends_by_the_token_of_the_moment(
    service: Service, broker: Function, tmp_path: Path
) -> None:
    for token in ("first", "renewed"):
        (tmp_path / "token").write_text(token)
        service.post("/hooks/push", BODY, signed(BODY) | {"x-github-delivery": token})

    assert [call.proof for call in broker.calls] == ["Bearer first", "Bearer renewed"]


def test_a_call_that_is_not_proven_reaches_nobody(service: Service, broker: Function) -> None:
    status, _, said = service.post("/hooks/push", BODY, signed(BODY, b"guess"))

    assert status == 401
    assert "not proven" in json.loads(said)["detail"]
    assert broker.calls == []


def test_a_call_is_to_come_again_while_the_broker_is_away(service: Service, broker: Function) -> None:
    broker.stop()

    status, headers, _ = service.post("/hooks/push", BODY, signed(BODY))

    assert (status, headers["retry-after"]) == (503, "1")


def test_a_secret_that_was_changed_needs_no_restart(service: Service, broker: Function, tmp_path: Path) -> None:
    (tmp_path / "secrets" / "push-hook" / "secret").write_bytes(b"n3w")

    assert service.post("/hooks/push", BODY, signed(BODY))[0] == 401
    assert service.post("/hooks/push", BODY, signed(BODY, b"n3w"))[0] == 202
    assert len(broker.calls) == 1
