from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from patternapp_services import wire
from patternapp_services.webhooks import app as webhook

if TYPE_CHECKING:
    import pathlib

NOW = 1_790_000_000.0
KEY = b"0123456789abcdef0123456789abcdef"
ENDPOINTS = (
    webhook.Endpoint(name="open", path="/hooks/open", marker="event-driven.open"),
    webhook.Endpoint(
        name="payment",
        path="/hooks/payment",
        marker="event-driven.payment",
        type="shop.payment.received",
        scheme="standardWebhooks",
        secret="pay-hook",  # noqa: S106 - the name of a Secret
    ),
    webhook.Endpoint(
        name="push",
        path="/hooks/push",
        marker="event-driven.push",
        scheme="github",
        secret="push-hook",  # noqa: S106 - the name of a Secret
    ),
    webhook.Endpoint(
        name="lost",
        path="/hooks/lost",
        marker="event-driven.lost",
        scheme="bearer",
        secret="nowhere",  # noqa: S106 - the name of a Secret
    ),
)


@pytest.fixture
def app(tmp_path: pathlib.Path, published: Any) -> webhook.Webhook:
    for name, value in {"pay-hook": b"whsec_" + base64.b64encode(KEY), "push-hook": b"s3cret"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "secret").write_bytes(value)
    return webhook.Webhook(
        ENDPOINTS,
        publish=published,
        secret=webhook.mounted_secrets(tmp_path),
        now=lambda: NOW,
        new_id=lambda: "id-1",
    )


def _signed(body: bytes) -> dict[str, str]:
    signed = b"msg-1.%d.%b" % (NOW, body)
    signature = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": "msg-1",
        "webhook-timestamp": f"{NOW:.0f}",
        "webhook-signature": f"v1,{signature}",
        "content-type": "application/json",
    }


async def test_a_call_becomes_an_event(app: webhook.Webhook, published: Any, call: Any) -> None:
    answer = await call(app, "POST", "/hooks/open", headers={"content-type": "text/plain"}, body=b"hello")

    assert (answer.status, answer.body) == (202, b"")
    (event,) = published.events
    assert event.data == b"hello"
    assert event.attributes == {
        "specversion": "1.0",
        "id": "id-1",
        "source": "/webhooks/open",
        "type": "dev.patternapp.webhook",
        "subject": "/hooks/open",
        "time": "2026-09-21T14:13:20Z",
        "datacontenttype": "text/plain",
        "patternappsource": "event-driven.open",
    }


async def test_a_standard_webhook_brings_its_id(app: webhook.Webhook, published: Any, call: Any) -> None:
    answer = await call(app, "POST", "/hooks/payment", headers=_signed(b'{ "paid" : 1 }'), body=b'{ "paid" : 1 }')

    assert answer.status == 202
    (event,) = published.events
    assert (event.attributes["id"], event.attributes["type"]) == ("msg-1", "shop.payment.received")
    assert event.data == b'{ "paid" : 1 }'


async def test_a_delivery_of_github_brings_its_id(app: webhook.Webhook, published: Any, call: Any) -> None:
    signature = hmac.new(b"s3cret", b"{}", hashlib.sha256).hexdigest()
    headers = {"x-github-delivery": "72d3162e", "x-hub-signature-256": f"sha256={signature}"}

    await call(app, "POST", "/hooks/push", headers=headers, body=b"{}")

    assert published.events[0].attributes["id"] == "72d3162e"


async def test_a_cloudevent_is_taken_as_it_is_but_for_the_marker(
    app: webhook.Webhook, published: Any, call: Any
) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "a",
        "ce-source": "/bank",
        "ce-type": "bank.paid",
        "ce-patternappsource": "event-driven.payment",
        "content-type": "application/json",
    }

    answer = await call(app, "POST", "/hooks/open", headers=headers, body=b"{}")

    assert answer.status == 202
    (event,) = published.events
    assert (event.attributes["id"], event.attributes["source"], event.data) == ("a", "/bank", b"{}")
    assert event.attributes["patternappsource"] == "event-driven.open"


async def test_a_structured_cloudevent_is_taken_too(app: webhook.Webhook, published: Any, call: Any) -> None:
    body = json.dumps({"specversion": "1.0", "id": "a", "source": "/bank", "type": "bank.paid", "data": {"sum": 7}})

    answer = await call(
        app, "POST", "/hooks/open", headers={"content-type": "application/cloudevents+json"}, body=body.encode()
    )

    assert answer.status == 202
    assert json.loads(published.events[0].data) == {"sum": 7}


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        pytest.param("/hooks/open", ({"ce-type": "bank.paid"}, b""), 400, id="half a CloudEvent"),
        pytest.param("/hooks/open", ({"content-type": "application/cloudevents+json"}, b"{"), 400, id="no JSON"),
        pytest.param("/hooks/open", ({"content-type": "application/cloudevents-batch+json"}, b"[]"), 415, id="a batch"),
        pytest.param("/hooks/open", ({}, b"x" * (wire.BODY_LIMIT + 1)), 413, id="too long"),
        pytest.param("/hooks/payment", ({}, b"{}"), 401, id="no signature"),
        pytest.param("/hooks/payment", (_signed(b"{}"), b"{ }"), 401, id="a body that was written anew"),
        pytest.param("/hooks/elsewhere", ({}, b"{}"), 404, id="an unknown path"),
    ],
)
async def test_calls_that_make_no_event_are_refused_and_not_published(
    app: webhook.Webhook, published: Any, call: Any, *, path: str, sent: tuple[dict[str, str], bytes], status: int
) -> None:
    headers, body = sent

    answer = await call(app, "POST", path, headers=headers, body=body)

    assert answer.status == status
    assert answer.header(b"content-type") == b"application/problem+json"
    assert published.events == []


async def test_a_missing_secret_is_503_and_named_in_the_log(
    app: webhook.Webhook, published: Any, call: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await call(app, "POST", "/hooks/lost", headers={"authorization": "Bearer hunter2"})

    assert answer.status == 503
    assert "lost: its secret nowhere cannot be used" in caplog.text
    assert "hunter2" not in caplog.text
    assert published.events == []


async def test_a_rotated_secret_counts_at_once(
    app: webhook.Webhook, tmp_path: pathlib.Path, published: Any, call: Any
) -> None:
    (tmp_path / "pay-hook" / "secret").write_bytes(b"whsec_bmV3\nwhsec_" + base64.b64encode(KEY) + b"\n")

    answer = await call(app, "POST", "/hooks/payment", headers=_signed(b"{}"), body=b"{}")

    assert (answer.status, len(published.events)) == (202, 1)


async def test_a_store_that_refuses_is_503_with_retry_after(app: webhook.Webhook, published: Any, call: Any) -> None:
    published.refuse = True

    answer = await call(app, "POST", "/hooks/open", body=b"x")

    assert (answer.status, answer.header(b"retry-after")) == (503, b"1")


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        ({"webhook-request-rate": "120"}, b"120"),
        ({}, b"*"),
        ({"webhook-request-rate": "0"}, b"*"),
        ({"webhook-request-callback": "http://169.254.169.254/"}, b"*"),
    ],
)
async def test_the_handshake_allows_the_origin_that_asks(
    app: webhook.Webhook, call: Any, *, headers: dict[str, str], rate: bytes
) -> None:
    answer = await call(
        app, "OPTIONS", "/hooks/payment", headers={"webhook-request-origin": "events.example.com", **headers}
    )

    assert answer.status == 200
    assert dict(answer.headers) == {
        b"content-length": b"0",
        b"allow": b"OPTIONS, POST",
        b"webhook-allowed-origin": b"events.example.com",
        b"webhook-allowed-rate": rate,
    }


async def test_a_handshake_of_no_dns_name_is_allowed_nothing(app: webhook.Webhook, call: Any) -> None:
    answer = await call(app, "OPTIONS", "/hooks/open", headers={"webhook-request-origin": "a b"})

    assert (answer.status, answer.header(b"webhook-allowed-origin")) == (400, None)


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
async def test_other_methods_are_405(app: webhook.Webhook, call: Any, *, method: str) -> None:
    answer = await call(app, method, "/hooks/open")

    assert (answer.status, answer.header(b"allow")) == (405, b"OPTIONS, POST")


def test_two_webhooks_cannot_share_a_path(published: Any, tmp_path: pathlib.Path) -> None:
    twice = [webhook.Endpoint(name=name, path="/same", marker=name) for name in ("one", "two")]

    with pytest.raises(ValueError, match="webhooks one and two share the path /same"):
        webhook.Webhook(twice, publish=published, secret=webhook.mounted_secrets(tmp_path), now=lambda: NOW)
