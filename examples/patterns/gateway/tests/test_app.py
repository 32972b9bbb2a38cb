from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from patternapp.testing.kit import Broker, DeadLetters, SampleEvents


@pytest.mark.usefixtures("broker")  # puts the app's folder on the path
def test_an_order_is_placed_and_read() -> None:
    orders = importlib.import_module("orders")

    orders.place(orders.Order(number="o-1", pieces=2))  # a route is an ordinary function

    assert orders.read("o-1").pieces == 2


def test_a_click_reaches_its_function(
    broker: Broker, sample_event: SampleEvents, dead_letters: DeadLetters, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.publish(sample_event("shop.click", {"page": "/mugs"}))  # what the gateway makes of POST /clicks

    assert not dead_letters
    assert capsys.readouterr().out == "clicked: /mugs\n"
