"""The steps about the whole: schedules that are told to run now, and the ledger at the end."""

from __future__ import annotations

import contextlib
import csv
import os
import sqlite3
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from PIL import Image

from tour import events
from tour.client import WrongError, all_of, newer

if TYPE_CHECKING:
    from pathlib import Path

    from tour.client import Tour

SCHEDULES = ("nightly-backup", "sales-report", "clean-up")
MONTH = 30 * 24 * 3600


async def run_schedules(tour: Tour) -> str:
    """The backup holds this tour's orders, the report counts them, and the clean-up deletes what is old and no more."""
    old, new = _logs(tour)
    token = {"authorization": f"Bearer {tour.program.token}"}

    async def fire(name: str) -> None:
        answer = await tour.post(f"/api/schedules/{name}/run", {}, headers=token)
        await tour.settled(answer["event"])

    await all_of(fire, SCHEDULES)

    if old.exists() or not new.exists():
        raise WrongError(f"the clean-up should have deleted {old.name} and left {new.name}")
    copies = newer((tour.state / "backups").glob("orders-*.db"), tour.began)
    if not copies:
        raise WrongError(f"there is no new backup in {tour.state / 'backups'}")
    saved = _saved(copies[-1])
    if not tour.orders.keys() <= saved:
        raise WrongError(f"{copies[-1].name} lacks {len(tour.orders.keys() - saved)} orders")
    reported = _reported(tour.state / "reports" / "sales.csv")
    total = sum(order["total"] for order in tour.orders.values())
    if reported < total:
        raise WrongError(f"the report counts {reported} cents for today, but this tour alone bought for {total}")
    with Image.open(tour.state / "reports" / "sales.png") as picture:
        width, height = picture.size
    return f"a backup of {len(saved)} orders, a CSV and a plot of {width} x {height}, 1 old log deleted"


def _logs(tour: Tour) -> tuple[Path, Path]:
    """Two logs of this tour: one that nobody has written to for a month, and one of now."""
    folder = tour.state / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    old, new = folder / f"{tour.run}-old.log", folder / f"{tour.run}-new.log"
    for path in (old, new):
        path.write_text("a line\n")
    month_ago = time.time() - MONTH
    os.utime(old, (month_ago, month_ago))
    return old, new


def _saved(backup: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as db:
        return {number for (number,) in db.execute("SELECT id FROM placed")}


def _reported(report: Path) -> int:
    """The cents of today and of yesterday, as midnight may have passed."""
    today = datetime.now(UTC).toordinal()
    days = {datetime.fromordinal(day).date().isoformat() for day in (today, today - 1)}
    with report.open(newline="") as file:
        return sum(int(row["cents"]) for row in csv.DictReader(file) if row["day"] in days)


async def balance(tour: Tour) -> str:
    """Every delivery is delivered or a dead letter, and the ledger adds up."""
    ledger = await tour.idle()
    if ledger["deliveries"] != ledger["delivered"] + ledger["dead_lettered"] + ledger["pending"]:
        raise WrongError(f"the ledger does not add up: {ledger}")
    letters = (await tour.get("/api/dead-letters"))["deadLetters"]
    unexpected = [letter for letter in letters if _is_of(tour, letter["at"]) and not _is_meant(letter)]
    if unexpected:
        first = unexpected[0]
        raise WrongError(f"dead letters too many: {len(unexpected)}, such as {first['edge']}: {first['reason']}")
    return (
        f"so far {ledger['accepted']} events, {ledger['deliveries']} deliveries: {ledger['delivered']} delivered,"
        f" dead letters: {ledger['dead_lettered']}, pending: 0"
    )


def _is_of(tour: Tour, at: str) -> bool:
    return datetime.fromisoformat(at).timestamp() >= tour.began


def _is_meant(letter: dict[str, Any]) -> bool:
    """Whether it is the wrong invoice of this tour, or of one that was interrupted."""
    return letter["source"] == events.SOURCE and str(letter["id"]).endswith(events.WRONG)
