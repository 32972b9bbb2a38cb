"""The gateway of the shop on the real cluster, and the whole shop behind it: by its host, from zero and back to zero.

What holds here: whatever orders of the one shop is in this file, so that one test after the other changes its stock.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import harness
import pytest
from cluster import versions
from e2e import kube, web

if TYPE_CHECKING:
    from pathlib import Path

DRIVE = versions.ROOT / "examples" / "shop" / "drive.py"
HOST = "shop.example.com"
ORDER = {"customer": "Ada Moreau", "email": "ada@example.com", "lines": [{"sku": "tea", "quantity": 2}]}


@pytest.fixture(scope="module")
def gateway(shop: kube.App) -> web.Address:
    return web.Address(shop.namespace.stack.ingress, HOST)


@pytest.fixture(scope="module")
def order(shop: kube.App, gateway: web.Address) -> dict[str, Any]:
    """An order that was placed while neither the gateway nor its function ran."""
    harness.eventually(lambda: not shop.running("orders"), within=kube.WITHIN)

    answer = gateway.call("POST", "/orders", ORDER, {"idempotency-key": uuid.uuid4().hex})

    assert answer.status == 201, answer.body
    placed: dict[str, Any] = answer.json()
    return placed


def test_an_order_wakes_the_function_that_takes_it(order: dict[str, Any], shop: kube.App) -> None:
    assert order["total"] > 0
    assert len(shop.running("orders")) == 1


def test_what_was_placed_through_the_gateway_is_read_through_it(order: dict[str, Any], gateway: web.Address) -> None:
    answer = gateway.call("GET", f"/orders/{order['id']}")

    assert answer.status == 200
    assert answer.json()["id"] == order["id"]


def test_the_same_request_again_is_the_same_order(gateway: web.Address) -> None:
    key = {"idempotency-key": uuid.uuid4().hex}

    first, second = (gateway.call("POST", "/orders", ORDER, key).json() for _ in range(2))

    assert first["id"] == second["id"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/elsewhere", 404), ("DELETE", "/orders", 405), ("POST", "/stock", 405)]
)
def test_what_is_no_route_is_refused_before_any_function(
    gateway: web.Address, method: str, path: str, status: int
) -> None:
    assert gateway.call(method, path).status == status


def test_another_host_is_not_the_shop(shop: kube.App) -> None:
    stranger = web.Address(shop.namespace.stack.ingress, "elsewhere.example.com")

    assert stranger.call("GET", "/stock").status == 404


def test_a_request_that_publishes_is_answered_once_the_broker_has_it(gateway: web.Address) -> None:
    click = {"visitor": f"e2e-{uuid.uuid4().hex}", "page": "/", "at": "2026-11-23T12:00:00Z"}

    assert gateway.call("POST", "/clicks", click).status == 202


def test_real_input_comes_out_of_every_pattern_of_the_shop(shop: kube.App, tmp_path: Path) -> None:
    known = shop.namespace.get("Secret", "pay-hook")
    assert known is not None
    secret = tmp_path / "secret"
    secret.write_bytes(b64decode(known["data"]["secret"]))
    ingress, hooks = shop.namespace.stack.ingress, shop.own("webhooks")

    with shop.letters() as letters:
        driven = subprocess.run(
            [
                *(sys.executable, DRIVE, f"--within={kube.WITHIN:.0f}", f"--secret={secret}"),
                *(
                    f"--shop={ingress}",
                    f"--shop-host={HOST}",
                    f"--hooks={hooks.url}",
                    f"--hooks-host={hooks.host}",
                ),
                *(f"--broker={shop.broker.url}", f"--letters={letters.url}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    assert driven.returncode == 0, driven.stdout + driven.stderr


def test_the_gateway_and_its_function_go_back_to_zero(order: dict[str, Any], shop: kube.App) -> None:  # noqa: ARG001 - both have run
    harness.eventually(lambda: not shop.running("orders"), within=kube.WITHIN)
    service = "serving.knative.dev/service=shop-gateway"
    harness.eventually(lambda: not shop.namespace.pods(service), within=2 * kube.WITHIN)
