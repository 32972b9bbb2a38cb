"""Keeps dead letters in a database.

What holds here:

* A letter is on the disk when `keep` returns.
* An event that the same receiver failed to take again is the same letter: what is kept does not grow with the retries.
* A letter is only removed if it did not come anew since it was read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from patternapp.cloudevents import Event
from patternapp_services.dead_letters.letters import Failure, Letter

if TYPE_CHECKING:
    from collections.abc import Collection

    from patternapp_services.dead_letters.database import Database, Row

_TABLE = """CREATE TABLE IF NOT EXISTS {table} (
 number {number}, source TEXT NOT NULL, id TEXT NOT NULL, destination TEXT NOT NULL, code INTEGER, reason TEXT NOT NULL,
 arrivals INTEGER NOT NULL, at DOUBLE PRECISION NOT NULL, attributes TEXT NOT NULL, data {blob},
 UNIQUE (source, id, destination))"""
_KEEP = """INSERT INTO {table} (source, id, destination, code, reason, arrivals, at, attributes, data)
 VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)
 ON CONFLICT (source, id, destination) DO UPDATE SET code = excluded.code, reason = excluded.reason,
 arrivals = {table}.arrivals + 1, at = excluded.at, attributes = excluded.attributes, data = excluded.data
 RETURNING number"""
_READ = "SELECT number, destination, code, reason, arrivals, at, attributes, {data} FROM {table}"


class Store:
    """The letters of one app. Every method raises `errors.StoreError` where the database fails."""

    def __init__(self, database: Database, *, table: str) -> None:
        """A store in a table of its own; `table` is a name that needs no quotes."""
        self._database = database
        self._table = table

    async def prepare(self) -> None:
        """Make the table where there is none."""
        await self._run(_TABLE, number=self._database.number, blob=self._database.blob)

    async def keep(self, event: Event[bytes | None], failure: Failure, *, at: float) -> int:
        """Keep a letter; its number."""
        known = event.attributes
        text = json.dumps(dict(known), ensure_ascii=False)
        who = (known["source"], known["id"], failure.destination)
        rows = await self._run(_KEEP, *who, failure.code, failure.reason, at, text, event.data)
        return int(rows[0][0])

    async def count(self) -> int:
        """How many there are."""
        return int((await self._run("SELECT count(*) FROM {table}"))[0][0])

    async def letters(self, *, after: int = 0, limit: int) -> list[Letter]:
        """Letters with larger numbers than `after`, in order, without their events' data."""
        rows = await self._run(f"{_READ} WHERE number > ? ORDER BY number LIMIT ?", after, limit, data="NULL")
        return [_letter(row) for row in rows]

    async def letter(self, number: int) -> Letter | None:
        """The letter with this number, data and all."""
        rows = await self._run(f"{_READ} WHERE number = ?", number, data="data")
        return _letter(rows[0]) if rows else None

    async def remove(self, letter: Letter) -> bool:
        """Remove a letter unless it came anew; whether it is gone."""
        gone = await self._run(
            "DELETE FROM {table} WHERE number = ? AND arrivals = ? RETURNING number", letter.number, letter.arrivals
        )
        return bool(gone)

    async def purge(self, numbers: Collection[int] | None) -> int:
        """Remove the letters with these numbers, None for all; how many there were."""
        if numbers is None:
            return len(await self._run("DELETE FROM {table} RETURNING number"))
        removed = [await self._run("DELETE FROM {table} WHERE number = ? RETURNING number", one) for one in numbers]
        return sum(map(len, removed))

    async def _run(self, statement: str, *values: object, **parts: str) -> list[Row]:
        return await self._database.run(statement.format(table=self._table, **parts), values)


def _letter(row: Row) -> Letter:
    number, destination, code, reason, arrivals, at, attributes, data = row
    return Letter(
        number=number,
        event=Event(json.loads(attributes), None if data is None else bytes(data)),
        failure=Failure(destination=destination, code=code, reason=reason),
        arrivals=arrivals,
        at=at,
    )
