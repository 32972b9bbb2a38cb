"""Receipts for what is paid."""

from __future__ import annotations

from pydantic import BaseModel

from patternapp.receiver import Receiver


class Paid(BaseModel):
    """An order is paid."""

    order: str


app = Receiver()


@app.on("shop.order.paid")
def send(paid: Paid) -> None:
    """Send a receipt."""
    print(f"receipt for {paid.order}")
