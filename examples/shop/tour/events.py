"""The steps about many events: the fan-out of orders, the queue of invoices, the stream of clicks."""

from __future__ import annotations

import collections
import functools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tour.client import WrongError, all_of, until
from tour.requests import mails

if TYPE_CHECKING:
    from tour.client import Tour

INVOICES = 200
AT_A_TIME = 50
SOURCE = "/tour"
WRONG = "-wrong"
"""How the id of the invoice ends that does not add up."""
VISITS: dict[str, tuple[int, ...]] = {"ada": (30, 20), "zoe": (40,), "li": (10, 10, 10)}
"""How many clicks the sessions of each visitor have."""
CLICKS = sum(sum(sessions) for sessions in VISITS.values())


async def fan_out(tour: Tour) -> str:
    """Every order has its mail and lowers the stock; express orders have a packing slip; too few lamps, a warning."""
    express = {number for number, order in tour.orders.items() if order["priority"] == "express"}
    low = {number for number, order in tour.orders.items() if any(line["sku"] == "lamp" for line in order["lines"])}
    wanted = {f"{number}.placed" for number in tour.orders} | {f"{number}.low" for number in low}
    sold: collections.Counter[str] = collections.Counter()
    for order in tour.orders.values():
        sold.update({line["sku"]: line["quantity"] for line in order["lines"]})
    left = {sku: before - sold[sku] for sku, before in tour.stock.items()}

    async def look() -> str | None:
        if missing := wanted - mails(tour):
            return f"{len(missing)} of {len(wanted)} mails are missing, such as that of {min(missing)}"
        if (stock := await tour.get("/stock")) != left:
            return f"the stock is {stock}, not {left}"
        slips = {number for number in tour.orders if (tour.state / "packing" / f"{number}.txt").exists()}
        return None if slips == express else f"packing slips: {len(slips)}, not {len(express)}"

    if not tour.orders:
        raise WrongError("no order was placed")
    await until(look)
    pieces = sum(sold.values())
    return f"{len(tour.orders)} mails, {pieces} pieces out of stock, {len(express)} packing slips, {len(low)} warning"


async def fill_queue(tour: Tour) -> str:
    """Every invoice is written; the one that does not add up is a dead letter, and nothing else is."""
    numbers = [f"{tour.run}-{number:03}" for number in range(INVOICES)]
    wrong = f"{tour.run}{WRONG}"
    events = [_wanted(number, total=2900) for number in numbers] + [_wanted(wrong, total=1)]
    batches = [events[start : start + AT_A_TIME] for start in range(0, len(events), AT_A_TIME)]
    kind = {"content-type": "application/cloudevents-batch+json"}
    await all_of(functools.partial(tour.post, "/events", headers=kind), batches)
    folder = tour.state / "invoices"

    async def look() -> str | None:
        written = {path.stem for path in folder.glob(f"{tour.run}-*.pdf")}
        if written != set(numbers):
            return f"{len(written)} of {INVOICES} invoices are written"
        dead = [letter["id"] for letter in (await tour.get("/api/dead-letters"))["deadLetters"]]
        return None if wrong in dead else "the invoice that does not add up is no dead letter"

    await until(look)
    content = (folder / f"{numbers[0]}.pdf").read_bytes()
    if not (content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")):
        raise WrongError(f"{numbers[0]}.pdf is not a PDF")
    return f"{INVOICES} PDF files; the wrong one is a dead letter"


def _wanted(number: str, *, total: int) -> dict[str, Any]:
    """The event that wants an invoice of two mugs."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    order = {
        "id": number,
        "placed": now,
        "customer": "Grand Hotel Miramar",
        "email": "office@example.com",
        "lines": [{"sku": "mug", "title": "Stoneware mug", "quantity": 2, "price": 1450}],
        "total": total,
    }
    return {
        "specversion": "1.0",
        "id": number,
        "source": SOURCE,
        "type": "shop.invoice.requested",
        "time": now,
        "partitionkey": number,
        "datacontenttype": "application/json",
        "data": order,
    }


async def stream_clicks(tour: Tour) -> str:
    """The clicks of a morning become the sessions they were."""
    expected = {f"{visitor}-{tour.run}": sorted(sessions) for visitor, sessions in VISITS.items()}
    await all_of(functools.partial(tour.post, "/clicks"), _clicks(tour.run))

    async def look() -> str | None:
        found: dict[str, list[int]] = {visitor: [] for visitor in expected}
        for session in await tour.get("/sessions?limit=100"):
            if session["visitor"] in found and session["closed"]:
                found[session["visitor"]].append(session["clicks"])
        counted = {visitor: sorted(clicks) for visitor, clicks in found.items()}
        return None if counted == expected else f"the sessions have {counted} clicks, not {expected}"

    await until(look)
    return f"{sum(map(len, VISITS.values()))} sessions with every click counted once"


def _clicks(run: str) -> list[dict[str, str]]:
    """A click each half a minute, and 45 minutes between sessions."""
    clicks = []
    for visitor, sessions in VISITS.items():
        at = datetime.now(UTC) - timedelta(hours=6)
        for count in sessions:
            for number in range(count):
                clicks.append({"visitor": f"{visitor}-{run}", "page": f"/page/{number}", "at": at.isoformat()})
                at += timedelta(seconds=30)
            at += timedelta(minutes=45)
    return clicks
