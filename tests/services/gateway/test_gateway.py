"""The role `gateway` as the image runs it: functions behind it, the Broker beside it, proxies in front of it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from services.programs import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.functions import Function

PROOF = {"x-api-key": "k1"}


@pytest.fixture
def service(function: Function, broker: Function, tmp_path: Path) -> Iterator[Service]:
    function.answer = lambda _: (200, b"placed")
    secret = tmp_path / "secrets" / "shop-keys" / "mobile"
    secret.parent.mkdir(parents=True)
    secret.write_text(hashlib.sha256(b"k1").hexdigest())
    running = Service("gateway", config(function.url), folder=tmp_path, env={"K_SINK": broker.url}).start()
    yield running
    running.program.stop()


def config(url: str) -> dict[str, Any]:
    keys = {"apiKeys": {"secretName": "shop-keys"}}
    once = {"limit": 1, "period": "1h", "burst": 1, "key": "ip"}
    place = {"name": "place", "path": "/orders", "methods": ["POST"], "target": {"uri": url}, "timeoutSeconds": 5.0}
    click = {"name": "click", "path": "/clicks", "methods": ["POST"], "target": {"sink": True}}
    return {
        "app": "shop",
        "host": "shop.example.com",
        "routes": [
            {**place, "auth": keys},
            {**click, "publish": {"type": "shop.click"}, "throttle": once},
        ],
    }


def test_a_request_reaches_its_function_and_the_answer_its_caller(service: Service, function: Function) -> None:
    status, _, body = service.post("/orders", b"{}", {**PROOF, "ce-id": "1"})

    assert (status, body) == (200, b"placed")
    assert function.ids == ["1"]


def test_who_is_not_proven_reaches_nobody(service: Service, function: Function) -> None:
    status, headers, _ = service.post("/orders", b"{}", {"x-api-key": "guess"})

    assert (status, headers["www-authenticate"]) == (401, "ApiKey")
    assert function.calls == []


def test_a_published_request_is_an_event_of_the_broker(service: Service, broker: Function) -> None:
    status, _, body = service.post("/clicks", b'{"n":1}', {"content-type": "application/json"})

    ((event,),) = [call.events for call in broker.calls]
    assert status == 202
    assert json.loads(body) == {"id": event["id"]}
    assert (event["type"], event["source"], event["data"]) == ("shop.click", "/gateways/shop", b'{"n":1}')


def test_callers_count_by_the_address_that_reached_the_cluster(service: Service) -> None:
    def click(forwarded: str) -> int:
        return service.post("/clicks", b"", {"x-forwarded-for": forwarded})[0]

    spoofed = [click(f"{claim}, 8.8.8.8, 10.0.0.1") for claim in ("1.1.1.1", "9.9.9.9")]
    other = click("8.8.4.4, 10.0.0.1")

    assert (spoofed, other) == ([202, 429], 202)


def test_a_function_that_is_away_is_503_and_one_that_comes_back_answers(service: Service, function: Function) -> None:
    function.stop()
    away, _, said = service.post("/orders", b"{}", {**PROOF, "ce-id": "1"})
    function.start()
    back, _, _ = service.post("/orders", b"{}", {**PROOF, "ce-id": "2"})

    assert (away, back) == (503, 200)
    assert str(function.port).encode() not in said


def test_health_and_metrics_are_not_on_the_publics_port(service: Service) -> None:
    assert [service.monitored(path)[0] for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
    assert [service.get(path)[0] for path in ("/healthz", "/readyz", "/metrics")] == [404, 404, 404]
