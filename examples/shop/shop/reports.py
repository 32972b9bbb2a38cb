"""The sales report: revenue by day and article, as CSV for programs and as a picture for people."""

from __future__ import annotations

import collections
import csv
import io
from typing import TYPE_CHECKING

from pydantic import BaseModel

from patternapp.receiver import Receiver
from shop import orders, storage
from shop.records import Order

if TYPE_CHECKING:
    from collections.abc import Mapping

TICK = "dev.knative.sources.ping"
"""The type of a schedule's events."""
Sales = dict[tuple[str, str], int]
"""Cents by day and article."""


class Title(BaseModel):
    """The data of the report's schedule."""

    title: str


app = Receiver()


@app.on(TICK)
def report(wanted: Title) -> None:
    """Write `reports/sales.csv` and `reports/sales.png` anew from all orders."""
    sales = _sales()
    folder = storage.folder("reports")
    storage.write(folder / "sales.csv", _table(sales))
    storage.write(folder / "sales.png", _picture(sales, wanted.title))


def _sales() -> Sales:
    with storage.transaction("orders", orders.SCHEMA) as db:
        placed = [Order.model_validate_json(row["body"]) for row in db.execute("SELECT body FROM placed")]
    sales: Sales = collections.Counter()
    for order in placed:
        for line in order.lines:
            sales[f"{order.placed:%Y-%m-%d}", line.sku] += line.quantity * line.price
    return sales


def _table(sales: Sales) -> bytes:
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(("day", "sku", "cents"))
    rows.writerows((day, sku, cents) for (day, sku), cents in sorted(sales.items()))
    return file.getvalue().encode()


def _picture(sales: Mapping[tuple[str, str], int], title: str) -> bytes:
    # Here and not above: it takes most of a second, which requests that only wake the function should not wait for.
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    days = sorted({day for day, _ in sales})
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    base = [0.0] * len(days)
    for sku in sorted({sku for _, sku in sales}):
        heights = [sales.get((day, sku), 0) / 100 for day in days]
        axes.bar(days, heights, bottom=base, label=sku)
        base = [low + height for low, height in zip(base, heights, strict=True)]
    axes.set_title(title)
    axes.set_ylabel("EUR")
    if sales:
        axes.legend()
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
