from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from patternapp.testing.kit import Broker, DeadLetters, SampleEvents


def test_a_payment_ends_in_a_receipt(
    broker: Broker, sample_event: SampleEvents, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.publish(sample_event("shop.payment.received", {"order": "o-1", "amount": 2900}), entry="payment")

    assert [event.attributes["type"] for event in broker.published("shop.order.paid")] == ["shop.order.paid"]
    assert capsys.readouterr().out == "receipt for o-1\n"


def test_foreign_money_is_a_dead_letter_at_once(
    broker: Broker, sample_event: SampleEvents, dead_letters: DeadLetters
) -> None:
    payment = {"order": "o-1", "amount": 2900, "currency": "XAU"}

    broker.publish(sample_event("shop.payment.received", payment), entry="payment")

    assert [(dead.code, dead.attempts) for dead in dead_letters] == [(422, 1)]
