"""Stock: levels fall with each order, and an order that leaves too little says so in its reply.

An order that comes again changes nothing and gives the same reply: the first one may have been lost on its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.receiver import Receiver
from shop import catalogue, storage
from shop.records import Order, Shortage, StockLow

if TYPE_CHECKING:
    import sqlite3

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS level (sku TEXT PRIMARY KEY, quantity INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS taken (id TEXT PRIMARY KEY, reply TEXT)",
)

app = Receiver()


@app.on("shop.order.placed", reply="shop.stock.low")
def take(order: Order) -> StockLow | None:
    """Take an order's articles from the stock. Below zero, the customer waits for the next delivery."""
    with storage.transaction("stock", SCHEMA) as db:
        _stock_up(db)
        before = db.execute("SELECT reply FROM taken WHERE id = ?", (order.id,)).fetchone()
        if before is not None:
            return StockLow.model_validate_json(before["reply"]) if before["reply"] else None
        for line in order.lines:
            db.execute("UPDATE level SET quantity = quantity - ? WHERE sku = ?", (line.quantity, line.sku))
        articles = _shortages(db, {line.sku for line in order.lines})
        low = StockLow(order=order.id, articles=articles) if articles else None
        db.execute("INSERT INTO taken (id, reply) VALUES (?, ?)", (order.id, low and low.model_dump_json()))
    return low


@app.get("/stock")
def levels() -> dict[str, int]:
    """What is there, by sku."""
    with storage.transaction("stock", SCHEMA) as db:
        _stock_up(db)
        return _levels(db)


def _stock_up(db: sqlite3.Connection) -> None:
    """An article that is new in the catalogue begins with the stock it has there."""
    rows = [(article.sku, article.stock) for article in catalogue.articles().values()]
    db.executemany("INSERT OR IGNORE INTO level (sku, quantity) VALUES (?, ?)", rows)


def _levels(db: sqlite3.Connection) -> dict[str, int]:
    return {row["sku"]: row["quantity"] for row in db.execute("SELECT sku, quantity FROM level ORDER BY sku")}


def _shortages(db: sqlite3.Connection, skus: set[str]) -> list[Shortage]:
    on_sale = catalogue.articles()
    return [
        Shortage(sku=sku, left=left, threshold=on_sale[sku].threshold)
        for sku, left in _levels(db).items()
        if sku in skus and sku in on_sale and left < on_sale[sku].threshold
    ]
