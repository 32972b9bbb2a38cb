"""The shop as a whole: what follows from an event, through the Broker, its retries and its schedules.

Run it from the repository's root with ``pytest -p patternapp.testing.plugin examples/shop/tests``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from shop import email, storage
from shop.records import Line, Order

if TYPE_CHECKING:
    from patternapp.testing.kit import Broker, Clock, DeadLetters, SampleEvents


@pytest.fixture(autouse=True)
def _shop_data(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATA", str(tmp_path_factory.mktemp("shop")))


def order(number: str, *, quantity: int = 1, total: int | None = None) -> Order:
    line = Line(sku="mug-blue", title="Stoneware mug", quantity=quantity, price=1450)
    return Order(
        id=number,
        placed=datetime(2026, 1, 1, tzinfo=UTC),
        customer="Ada",
        email="ada@example.com",
        lines=[line],
        total=quantity * 1450 if total is None else total,
    )


def test_an_express_order_is_mailed_taken_from_the_stock_and_packed(broker: Broker, sample_event: SampleEvents) -> None:
    number = broker.publish(sample_event("shop.order.placed", order("o-1"), priority="express"))

    edges = {delivery["edge"]: delivery["state"] for delivery in broker.timeline(number)["deliveries"]}
    assert edges == dict.fromkeys(
        ("fan-out/order-placed/email", "fan-out/order-placed/packing", "fan-out/order-placed/stock"), "delivered"
    )


def test_a_mail_that_cannot_be_sent_is_sent_later(
    broker: Broker, clock: Clock, sample_event: SampleEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as down:
        down.setattr(email, "_send", lambda *_args, **_more: 1 / 0)
        broker.publish(sample_event("shop.order.placed", order("o-1")))
        assert broker.ledger.pending == 1

    clock.advance("1h")

    assert broker.ledger.pending == 0
    assert len(list((storage.folder("mail", "new")).iterdir())) == 1


def test_an_invoice_that_does_not_add_up_is_the_only_dead_letter(
    broker: Broker, dead_letters: DeadLetters, sample_event: SampleEvents
) -> None:
    for number, total in (("o-1", None), ("o-2", 1), ("o-3", None)):
        broker.publish(sample_event("shop.invoice.requested", order(number, total=total)))

    broker.settle()

    assert sorted(path.name for path in storage.folder("invoices").iterdir()) == ["o-1.pdf", "o-3.pdf"]
    (dead,) = dead_letters
    assert (dead.edge, dead.code) == ("queue/invoices", 422)
    assert "the lines make 1450 cents, not 1" in dead.reason


def test_the_backup_runs_at_night(broker: Broker, clock: Clock) -> None:
    clock.advance(timedelta(days=2))

    backups = [one for one in broker.published("dev.knative.sources.ping") if b"keep" in (one.data or b"")]
    assert [one.attributes["time"] for one in backups] == ["2026-01-01T01:00:00Z", "2026-01-02T01:00:00Z"]
