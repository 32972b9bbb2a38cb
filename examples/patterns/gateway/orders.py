"""Orders over HTTP: an ordinary FastAPI application."""

from __future__ import annotations

from fastapi import HTTPException
from pydantic import BaseModel

from patternapp.receiver import Receiver


class Order(BaseModel):
    """What is ordered."""

    number: str
    pieces: int


app = Receiver()
app.state.orders = {}


@app.post("/orders", status_code=201)
def place(order: Order) -> Order:
    """Take an order."""
    app.state.orders[order.number] = order
    return order


@app.get("/orders/{number}")
def read(number: str) -> Order:
    """An order that was taken."""
    if number not in app.state.orders:
        raise HTTPException(404, f"no order {number}")
    found: Order = app.state.orders[number]
    return found
