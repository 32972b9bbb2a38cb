"""Invoices, written a batch at a time."""

from __future__ import annotations

from pydantic import BaseModel

from patternapp.receiver import Event, Failures, Receiver, Reject


class Wanted(BaseModel):
    """An invoice that is wanted. Money is in cents."""

    number: str
    total: int


app = Receiver()


@app.on_batch("shop.invoice.requested")
def write(batch: list[Event[Wanted]]) -> Failures:
    """Write the invoices of a batch; the one that cannot be written takes no other along."""
    refused = [(event, Reject(f"{event.data.number}: nothing is owed")) for event in batch if event.data.total <= 0]
    print(f"{len(batch) - len(refused)} invoices")
    return Failures(refused)
