"""What the shop sells, and for how much: `catalogue.csv` beside this file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING

from shop.records import Line, Order

if TYPE_CHECKING:
    from shop.records import NewOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One thing for sale. The price is in cents; below the threshold it is time to buy more."""

    sku: str
    title: str
    price: int
    stock: int
    threshold: int


def articles() -> dict[str, Article]:
    """All articles by their sku, in the file's order."""
    with resources.files("shop").joinpath("catalogue.csv").open(encoding="utf-8") as file:
        return {row["sku"]: _article(row) for row in csv.DictReader(file)}


def priced(wanted: NewOrder, number: str) -> Order:
    """The order that a customer's wishes make, placed now.

    Raises:
        LookupError: Something is not on sale.
    """
    on_sale = articles()
    unknown = sorted({wish.sku for wish in wanted.lines} - on_sale.keys())
    if unknown:
        raise LookupError(f"not on sale: {', '.join(unknown)}; on sale: {', '.join(on_sale)}")
    lines = [_line(on_sale[wish.sku], wish.quantity) for wish in wanted.lines]
    return Order(
        id=number,
        placed=datetime.now(UTC),
        customer=wanted.customer,
        email=wanted.email,
        priority=wanted.priority,
        lines=lines,
        total=sum(line.quantity * line.price for line in lines),
    )


def _line(article: Article, quantity: int) -> Line:
    return Line(sku=article.sku, title=article.title, quantity=quantity, price=article.price)


def _article(row: dict[str, str]) -> Article:
    return Article(
        sku=row["sku"],
        title=row["title"],
        price=int(row["price"]),
        stock=int(row["stock"]),
        threshold=int(row["threshold"]),
    )
