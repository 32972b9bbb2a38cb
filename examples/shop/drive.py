"""Puts real input through a shop that runs anywhere, over HTTP alone, and prints what came out.

What holds here: only the shop's public addresses, its Broker and its dead letters are asked, so the same steps drive
`patternapp dev` and a cluster. Every wait ends; the exit code is 0 only if every step came out right.
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import hmac
import http.client
import json
import sys
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

ORDERS = (("normal", {"tea": 2}), ("express", {"mug": 1, "tin": 1}), ("normal", {"pot": 1}))
INVOICES = 20
CLICKS = 30
OK, ACCEPTED, UNAUTHORIZED = 200, 202, 401
JSON = {"content-type": "application/json"}


class WrongError(Exception):
    """Something is not as it should be; the message says what."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a part of the shop answers.

    Attributes:
        url: What is connected to.
        host: The name it is called by, where that differs.
    """

    url: str
    host: str | None = None

    def call(self, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """The status and the JSON of an answer, None where it has none; a `data` that is not bytes is sent as JSON."""
        parts = urllib.parse.urlsplit(self.url)
        body = data if data is None or isinstance(data, bytes) else json.dumps(data).encode()
        # A function may have to start, and its Pod to be scheduled.
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        try:
            named = {"host": self.host} if self.host else {}
            connection.request(method, parts.path.rstrip("/") + path, body, {**JSON, **named, **(headers or {})})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(content) if content.startswith((b"{", b"[")) else None

    def expect(self, status: int, method: str, path: str, data: Any = None, **headers: str) -> Any:
        """The JSON of an answer that has to have a status."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        found, answer = self.call(method, path, data, sent)
        if found != status:
            raise WrongError(f"{method} {path} answered {found} and not {status}: {answer}")
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """One drive through one shop.

    Attributes:
        shop: The gateway.
        hooks: The webhooks.
        broker: The Broker's ingress.
        letters: The dead letters' API.
        secret: The key with which payments are signed.
        within: Seconds that anything may take to come true.
        run: A word of its own, so that its input and output can be told from others'.
        orders: What was ordered, by number.
        stock: The stock before it.
    """

    shop: Address
    hooks: Address
    broker: Address
    letters: Address
    secret: bytes
    within: float
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)

    def until(self, missing: Callable[[], str | None]) -> None:
        """Look again and again until nothing is missing."""
        end = time.monotonic() + self.within
        while (still := missing()) is not None:
            if time.monotonic() > end:
                raise WrongError(f"after {self.within:g} s: {still}")
            time.sleep(0.5)


def place_orders(drive: Drive) -> str:
    """API gateway: orders are taken, and can be read."""
    drive.stock.update(drive.shop.expect(OK, "GET", "/stock"))
    for number, (priority, basket) in enumerate(ORDERS):
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in basket.items()]
        wanted = {"customer": "Ada Moreau", "email": "ada@example.com", "priority": priority, "lines": lines}
        status, order = drive.shop.call("POST", "/orders", wanted, {"idempotency-key": f"{drive.run}-{number}"})
        if status >= http.client.BAD_REQUEST:
            raise WrongError(f"POST /orders answered {status}: {order}")
        drive.orders[order["id"]] = order
        drive.shop.expect(OK, "GET", f"/orders/{order['id']}")
    return f"{len(drive.orders)} orders taken and read back"


def fan_out(drive: Drive) -> str:
    """Fan-out: every order's event reaches the stock, which is a subscriber of its own."""
    left = dict(drive.stock)
    for _, basket in ORDERS:
        for sku, quantity in basket.items():
            left[sku] -= quantity

    def missing() -> str | None:
        stock = drive.shop.expect(OK, "GET", "/stock")
        return None if stock == left else f"the stock is {stock}, not {left}"

    drive.until(missing)
    return f"{sum(sum(basket.values()) for _, basket in ORDERS)} pieces out of stock"


def pay(drive: Drive) -> str:
    """Event-driven: a signed webhook becomes an event that marks the order paid; a forged one is refused."""
    number, order = next(iter(drive.orders.items()))
    body = json.dumps({"order": number, "amount": order["total"], "reference": f"pay-{drive.run}"}).encode()
    for key, expected in ((b"forged", UNAUTHORIZED), (drive.secret, ACCEPTED)):
        drive.hooks.expect(expected, "POST", "/hooks/payment", body, **_signed(drive.run, body, key=key))

    def missing() -> str | None:
        return None if drive.shop.expect(OK, "GET", f"/orders/{number}")["paid"] else f"order {number} is not paid"

    drive.until(missing)
    return "the order is paid; the forged payment was refused"


def _signed(number: str, body: bytes, *, key: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: an HMAC over id, time and body."""
    now = f"{int(time.time())}"
    signature = hmac.digest(key, b".".join((number.encode(), now.encode(), body)), hashlib.sha256)
    sent = {"id": number, "timestamp": now, "signature": f"v1,{base64.b64encode(signature).decode()}"}
    return {f"webhook_{name}": value for name, value in sent.items()}


def click(drive: Drive) -> str:
    """Stream: clicks, taken as events by the gateway, are worked off; the one that is none is a dead letter.

    On a cluster a stream's worker keeps its sessions in its own Pod: what it could not take is what can be seen of it.
    """
    at = datetime.now(UTC) - timedelta(hours=6)
    before, wrong = _dead(drive, "shop.click"), f"{drive.run}-click"
    for number in range(CLICKS):
        moment = (at + timedelta(seconds=30 * number)).isoformat()
        data = {"visitor": f"ada-{drive.run}", "page": f"/page/{number}", "at": moment}
        drive.shop.expect(ACCEPTED, "POST", "/clicks", data)
    _publish(drive, wrong, kind="shop.click", data={"visitor": f"ada-{drive.run}"})

    def missing() -> str | None:
        dead = _dead(drive, "shop.click") - before
        if spoiled := dead - {wrong}:
            raise WrongError(f"clicks that are right are dead letters: {', '.join(sorted(spoiled))}")
        return None if wrong in dead else "the click without a page is no dead letter"

    drive.until(missing)
    return f"{CLICKS} clicks taken; the wrong one alone is a dead letter"


def fill_queue(drive: Drive) -> str:
    """Queue: a flood of wanted invoices is worked off; the one that does not add up is a dead letter."""
    wrong = f"{drive.run}-wrong"
    numbers = [f"{drive.run}-{number:03}" for number in range(INVOICES)]
    for number in (*numbers, wrong):
        order = _order(number, total=1 if number == wrong else 2900)
        _publish(drive, number, kind="shop.invoice.requested", data=order)

    def missing() -> str | None:
        dead = _dead(drive, "shop.invoice.requested")
        if spoiled := dead & set(numbers):
            raise WrongError(f"invoices that add up are dead letters: {', '.join(sorted(spoiled))}")
        return None if wrong in dead else "the invoice that does not add up is no dead letter"

    drive.until(missing)
    return f"{INVOICES} invoices wanted; the wrong one alone is a dead letter"


def _dead(drive: Drive, kind: str) -> set[str]:
    """The ids of the dead letters of a type."""
    letters = drive.letters.expect(OK, "GET", "/api/dead-letters")["deadLetters"]
    return {letter["id"] for letter in letters if letter["type"] == kind}


def _publish(drive: Drive, number: str, *, kind: str, data: dict[str, Any]) -> None:
    """Have the Broker take an event."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    head = {"specversion": "1.0", "id": number, "source": "/drive", "type": kind, "time": now}
    event = {**head, "datacontenttype": "application/json", "data": data}
    drive.broker.expect(ACCEPTED, "POST", "", event, content_type="application/cloudevents+json")


def _order(number: str, *, total: int) -> dict[str, Any]:
    """An order of two mugs, for which an invoice is wanted."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    lines = [{"sku": "mug", "title": "Stoneware mug", "quantity": 2, "price": 1450}]
    order = {"id": number, "placed": now, "customer": "Grand Hotel", "email": "office@example.com"}
    return {**order, "lines": lines, "total": total}


STEPS = (
    ("API gateway", "POST /orders", place_orders),
    ("Fan-out", "the orders' events", fan_out),
    ("Event-driven: webhook", "POST /hooks/payment", pay),
    ("Stream", f"{CLICKS} times POST /clicks, and a wrong one", click),
    ("Queue", f"{INVOICES + 1} events to the Broker", fill_queue),
)


def main() -> int:
    """Drive, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, what in (("shop", "the gateway"), ("hooks", "the webhooks"), ("letters", "the dead letters' API")):
        parser.add_argument(f"--{name}", required=True, metavar="URL", help=what)
    parser.add_argument("--broker", required=True, metavar="URL", help="the Broker's ingress, with its path")
    parser.add_argument("--secret", required=True, type=Path, metavar="FILE", help="the secret of the payment webhook")
    parser.add_argument("--shop-host", metavar="NAME", help="the gateway's name, where its URL has another")
    parser.add_argument("--hooks-host", metavar="NAME", help="the same of the webhooks")
    parser.add_argument("--within", type=float, default=120, metavar="SECONDS", help="for each step (default: 120)")
    wanted = parser.parse_args()
    drive = Drive(
        shop=Address(wanted.shop, wanted.shop_host),
        hooks=Address(wanted.hooks, wanted.hooks_host),
        broker=Address(wanted.broker),
        letters=Address(wanted.letters),
        secret=base64.b64decode(wanted.secret.read_text().strip().removeprefix("whsec_")),
        within=wanted.within,
    )
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    table = Table("", "pattern", "what went in", "what came out", "s")
    outcomes = [_row(functools.partial(step, drive)) for _, _, step in STEPS]
    for (pattern, went_in, _), (right, came_out, seconds) in zip(STEPS, outcomes, strict=True):
        table.add_row("✓" if right else "✗", pattern, went_in, came_out, f"{seconds:.1f}")
    console.print(table)
    return 0 if all(right for right, _, _ in outcomes) else 1


def _row(step: Callable[[], str]) -> tuple[bool, str, float]:
    began = time.monotonic()
    try:
        came_out, right = step(), True
    except WrongError as error:
        came_out, right = f"{error}", False
    except Exception as error:  # noqa: BLE001 - such as an answer in another shape; the other steps go on
        came_out, right = f"{type(error).__name__}: {error}", False
    return right, came_out, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
