"""The outbox: events kept in the transaction of what they tell, until the Broker has them.

Nothing is lost between the database and the Broker, whichever of them fails. An event may go out twice, but always
under the same id.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from shop import storage, web

if TYPE_CHECKING:
    import sqlite3

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS outbox (position INTEGER PRIMARY KEY, kept REAL, about TEXT, event TEXT NOT NULL)",
)
LEFT_BEHIND = 30.0
"""Seconds after which an event is anybody's to send: whoever kept it has failed."""


def keep(db: sqlite3.Connection, about: str, event: dict[str, Any]) -> None:
    """Put an event (a CloudEvent as JSON) into the outbox, in the caller's transaction."""
    row = (time.time(), about, json.dumps(event))
    db.execute("INSERT INTO outbox (kept, about, event) VALUES (?, ?, ?)", row)


def send(database: str, about: str) -> None:
    """Publish what was kept about this subject, and what others left behind.

    Raises:
        OSError: The Broker could not be reached, or did not take an event; all of them stay in the outbox.
    """
    with storage.transaction(database, SCHEMA) as db:
        mine_or_late = (about, time.time() - LEFT_BEHIND)
        rows = db.execute("SELECT position, event FROM outbox WHERE about = ? OR kept < ?", mine_or_late).fetchall()
    for row in rows:
        _publish(row["event"].encode())
    with storage.transaction(database, SCHEMA) as db:
        db.executemany("DELETE FROM outbox WHERE position = ?", [(row["position"],) for row in rows])


def _publish(event: bytes) -> None:
    status, _ = web.call("POST", os.environ["K_SINK"], body=event, content_type="application/cloudevents+json")
    # A 2xx says that the Broker has the event on its disk.
    if not 200 <= status < 300:
        raise ConnectionError(f"the Broker answered {status}")
