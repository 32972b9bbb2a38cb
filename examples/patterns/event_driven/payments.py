"""Payments, as the provider's webhook tells of them."""

from __future__ import annotations

from pydantic import BaseModel, PositiveInt

from patternapp.receiver import Receiver, Reject


class Payment(BaseModel):
    """What the provider sends. Money is in cents."""

    order: str
    amount: PositiveInt
    currency: str = "EUR"


class Paid(BaseModel):
    """An order is paid."""

    order: str


app = Receiver()


@app.on("shop.payment.received", reply="shop.order.paid")
def take(payment: Payment) -> Paid:
    """The order is paid; the reply is an event that others wait for."""
    if payment.currency != "EUR":
        raise Reject(f"{payment.currency} is not taken")  # no repetition mends it: a dead letter at once
    return Paid(order=payment.order)
