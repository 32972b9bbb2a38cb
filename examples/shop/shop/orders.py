"""Orders: the HTTP API behind the gateway, and the receiver that marks orders paid.

A 201 says that the order is kept and its events are out. If the Broker is away the answer is 503: the order is kept,
and the same request with the same Idempotency-Key finds it and sends what is left in the outbox.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Header, HTTPException

from patternapp.receiver import Receiver, Reject
from shop import catalogue, outbox, storage
from shop.records import NewOrder, Order, Paid, Payment, Refusal

if TYPE_CHECKING:
    import sqlite3

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS placed (id TEXT PRIMARY KEY, body TEXT NOT NULL, payment TEXT)",
    *outbox.SCHEMA,
)

app = Receiver()


@app.post("/orders", status_code=201, responses={422: {"model": Refusal}, 503: {"model": Refusal}})
def place(wanted: NewOrder, idempotency_key: Annotated[str | None, Header(max_length=255)] = None) -> Order:
    """Take an order, and publish that it was placed and that an invoice is wanted."""
    number = uuid.uuid5(uuid.NAMESPACE_OID, idempotency_key) if idempotency_key else uuid.uuid4()
    try:
        order = catalogue.priced(wanted, f"{number}")
    except LookupError as error:
        raise HTTPException(422, f"{error}") from error
    with storage.transaction("orders", SCHEMA) as db:
        row = _find(db, order.id)
        if row is None:
            db.execute("INSERT INTO placed (id, body) VALUES (?, ?)", (order.id, order.model_dump_json()))
            outbox.keep(db, order.id, _event("shop.order.placed", order))
            outbox.keep(db, order.id, _event("shop.invoice.requested", order))
        else:
            order = Order.model_validate_json(row["body"])
    try:
        outbox.send("orders", order.id)
    except OSError as error:
        raise HTTPException(503, "the order is kept; send the request again", {"retry-after": "1"}) from error
    return order


@app.get("/orders/{number}", responses={404: {"model": Refusal}})
def read(number: str) -> dict[str, Any]:
    """One order, and whether it is paid."""
    with storage.transaction("orders", SCHEMA) as db:
        row = _find(db, number)
    if row is None:
        raise HTTPException(404, f"there is no order {number}")
    return {**json.loads(row["body"]), "paid": row["payment"] is not None}


@app.on("shop.payment.received", reply="shop.order.paid")
def mark_paid(payment: Payment) -> Paid:
    """The same payment again gives the same answer; a second one for the same order is refused."""
    with storage.transaction("orders", SCHEMA) as db:
        row = _find(db, payment.order)
        if row is None:
            raise Reject(f"there is no order {payment.order}")
        order = Order.model_validate_json(row["body"])
        if payment.amount != order.total:
            raise Reject(f"order {order.id} costs {order.total}, but {payment.amount} was paid")
        if row["payment"] not in {None, payment.reference}:
            raise Reject(f"order {order.id} is paid already, by {row['payment']}")
        db.execute("UPDATE placed SET payment = ? WHERE id = ?", (payment.reference, order.id))
    return Paid(order=order.id, customer=order.customer, email=order.email, amount=payment.amount)


def _find(db: sqlite3.Connection, number: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute("SELECT body, payment FROM placed WHERE id = ?", (number,)).fetchone()
    return row


def _event(kind: str, order: Order) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{order.id}.{kind}",
        "source": "/shop/orders",
        "type": kind,
        "subject": order.id,
        "time": order.placed.isoformat(),
        "priority": order.priority,
        "partitionkey": order.id,
        "datacontenttype": "application/json",
        "data": order.model_dump(mode="json"),
    }
