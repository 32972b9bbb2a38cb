"""Click sessions: clicks of one visitor with less than half an hour between them are one session.

Clicks may come late, out of order and twice. A click joins every session that it touches, so that the sessions are the
same whatever the order; and each click is kept by its id, so that it counts once.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BaseModel

from patternapp.receiver import Event, Receiver
from shop import storage
from shop.records import Name

if TYPE_CHECKING:
    import sqlite3

GAP = timedelta(minutes=30).total_seconds()
EPOCHS = (0.0, datetime(9999, 1, 1, tzinfo=UTC).timestamp())
"""A clock before the first or after the second is no clock; with the zone added it may even have no year."""
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS click (source TEXT, id TEXT, at REAL NOT NULL, PRIMARY KEY (source, id))",
    "CREATE TABLE IF NOT EXISTS session (visitor TEXT, began REAL, ended REAL, clicks INTEGER)",
)


class Click(BaseModel):
    """What a page sends. `at` is the visitor's clock; without it the time of the event counts."""

    visitor: Name
    page: Name
    at: AwareDatetime | None = None


app = Receiver()


@app.on_batch("shop.click")
def sessionize(events: list[Event[Click]]) -> None:
    """Count a micro-batch of clicks, in one transaction."""
    with storage.transaction("sessions", SCHEMA) as db:
        for event in events:
            at = _moment(event)
            row = (event.attributes["source"], event.attributes["id"], at)
            if db.execute("INSERT OR IGNORE INTO click (source, id, at) VALUES (?, ?, ?)", row).rowcount:
                _join(db, event.data.visitor, at)


@app.get("/sessions")
def newest(limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> list[dict[str, Any]]:
    """The newest sessions; one is closed when no click can join it any more, unless it comes late."""
    now = datetime.now(UTC).timestamp()
    with storage.transaction("sessions", SCHEMA) as db:
        rows = db.execute("SELECT * FROM session ORDER BY ended DESC LIMIT ?", (limit,)).fetchall()
    return [_told(row, now) for row in rows]


def _moment(event: Event[Click]) -> float:
    told = event.data.at or event.attributes.get("time")
    moment = datetime.fromisoformat(told) if isinstance(told, str) else told
    at = moment.timestamp() if isinstance(moment, datetime) else time.time()
    return at if EPOCHS[0] <= at <= EPOCHS[1] else time.time()


def _join(db: sqlite3.Connection, visitor: str, at: float) -> None:
    near = (visitor, at + GAP, at - GAP)
    where = "WHERE visitor = ? AND began < ? AND ended > ?"
    rows = db.execute(f"SELECT began, ended, clicks FROM session {where}", near).fetchall()  # noqa: S608 - a constant
    db.execute(f"DELETE FROM session {where}", near)  # noqa: S608 - the same constant
    began = min([at, *(row["began"] for row in rows)])
    ended = max([at, *(row["ended"] for row in rows)])
    clicks = 1 + sum(row["clicks"] for row in rows)
    db.execute(
        "INSERT INTO session (visitor, began, ended, clicks) VALUES (?, ?, ?, ?)", (visitor, began, ended, clicks)
    )


def _told(row: sqlite3.Row, now: float) -> dict[str, Any]:
    return {
        "visitor": row["visitor"],
        "began": datetime.fromtimestamp(row["began"], UTC),
        "ended": datetime.fromtimestamp(row["ended"], UTC),
        "clicks": row["clicks"],
        "closed": row["ended"] + GAP < now,
    }
