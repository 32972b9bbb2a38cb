"""Packing slips: one text file per order, for the desk that packs express orders first."""

from __future__ import annotations

from patternapp.receiver import Receiver
from shop import records, storage

app = Receiver()


@app.on("shop.order.placed")
def print_slip(order: records.Order) -> None:
    """Write the slip of an order; the same order again writes the same slip."""
    width = max(len(line.title) for line in order.lines)
    rows = [f"[ ] {line.quantity:>4} x {line.title:<{width}}  {line.sku}" for line in order.lines]
    text = "\n".join([f"{order.priority.upper()}  {order.id}", f"for {order.customer}", "", *rows, ""])
    storage.write(storage.folder("packing") / f"{order.id}.txt", text.encode())
