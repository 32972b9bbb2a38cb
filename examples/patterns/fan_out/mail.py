"""Mails about orders."""

from __future__ import annotations

from pydantic import BaseModel

from patternapp.receiver import Receiver


class Order(BaseModel):
    """An order that was placed."""

    number: str
    email: str


app = Receiver()


@app.on("shop.order.placed")
def confirm(order: Order) -> None:
    """Confirm an order."""
    print(f"mail to {order.email}: we have {order.number}")
