from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from patternapp.testing.kit import Broker, Clock, SampleEvents

ORDER = {"number": "o-1", "email": "ada@example.com"}


def test_only_an_express_order_is_packed(
    broker: Broker, sample_event: SampleEvents, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.publish(sample_event("shop.order.placed", ORDER))
    assert capsys.readouterr().out == "mail to ada@example.com: we have o-1\n"

    broker.publish(sample_event("shop.order.placed", ORDER, priority="express"))
    assert "packed o-1\n" in capsys.readouterr().out


def test_a_subscriber_that_fails_holds_up_no_other_and_is_tried_again(
    broker: Broker, clock: Clock, sample_event: SampleEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as closed:
        closed.setattr("packing.is_open", lambda: False)
        broker.publish(sample_event("shop.order.placed", ORDER, priority="express"))
        assert (broker.ledger.delivered, broker.ledger.pending) == (1, 1)

    clock.advance("5m")

    assert (broker.ledger.delivered, broker.ledger.pending) == (2, 0)
