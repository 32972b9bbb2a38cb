"""The outbox in a SQLite file, for one reader on the machine of the file.

What holds here: one thread does all the work on the connection. Reading takes no lock; what was sent is removed in a
transaction of its own, short enough for whoever else writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import sqlite3
import time
from concurrent import futures
from typing import TYPE_CHECKING, TypeVar

from patternapp import errors
from patternapp_services.outbox import changes, journal, sqlite_schema
from patternapp_services.outbox.changes import Change
from patternapp_services.outbox.journal import Figures, Round
from patternapp_services.outbox.turns import Waiting, turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection
    from pathlib import Path

    from patternapp_services.outbox.changes import Place, Watched

T = TypeVar("T")
POLL = 0.1
"""Seconds between two looks at whether the file has changed."""
_WINDOW = "SELECT number, key, was FROM patternapp_outbox WHERE owner = ? AND refused IS NULL ORDER BY number LIMIT ?"
_READ = """
SELECT number, id, operation, key, before, after,
    coalesce(length(CAST(before AS BLOB)), 0) + coalesce(length(CAST(after AS BLOB)), 0), at, NULL
FROM patternapp_outbox WHERE number = ?
"""
_REMOVE = "DELETE FROM patternapp_outbox WHERE number = ?"
_REFUSE = "UPDATE patternapp_outbox SET refused = ? WHERE number = ?"
_FIGURES = """
SELECT count(*) FILTER (WHERE refused IS NULL), count(refused),
    coalesce((julianday('now') - julianday(min(at) FILTER (WHERE refused IS NULL))) * 86400.0, 0.0)
FROM patternapp_outbox WHERE owner = ?
"""


@contextlib.asynccontextmanager
async def opened(file: Path, watched: Watched) -> AsyncIterator[Sqlite]:
    """A connection to a file that somebody else makes.

    Raises:
        StoreError: It is not there, or is no database.
    """
    with futures.ThreadPoolExecutor(1, thread_name_prefix="outbox") as thread:
        outbox = Sqlite(thread, watched)
        try:
            await outbox.open(file)
            yield outbox
        finally:
            await outbox.close()


class Sqlite:
    """A `journal.Journal`."""

    place: Place

    def __init__(self, thread: futures.Executor, watched: Watched) -> None:
        self._thread = thread
        self._watched = watched
        self._connection: sqlite3.Connection
        self._seen = -1

    async def open(self, file: Path) -> None:
        def work() -> None:
            if not file.is_file():
                raise errors.StoreError(f"there is no file {file} yet: it is watched once it is made")
            self._connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
            self._connection.text_factory = lambda text: text.decode(errors="replace")

        await self._run(work)

    async def close(self) -> None:
        def work() -> None:
            with contextlib.suppress(AttributeError):
                self._connection.close()

        await self._run(work)

    async def prepare(self) -> None:
        self.place = await self._run(lambda: sqlite_schema.prepare(self._connection, self._watched))

    @contextlib.asynccontextmanager
    async def round(self, *, resting: Collection[int]) -> AsyncIterator[Round]:
        taken = await self._run(lambda: self._take(resting))
        yield taken
        if taken.done or taken.refused:
            await self._run(lambda: self._settle(taken))

    async def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while await self._run(self._version) == self._seen and (left := until - time.monotonic()) > 0:  # noqa: ASYNC110 - SQLite tells nobody
            await asyncio.sleep(min(POLL, left))

    async def figures(self) -> Figures:
        def work() -> tuple[int, int, float]:
            found: tuple[int, int, float] = self._connection.execute(_FIGURES, (self._watched.owner,)).fetchone()
            return found

        pending, refused, lag = await self._run(work)
        return Figures(pending=pending, refused=refused, lag=lag)

    def _version(self) -> int:
        """Differs from one look to the next if another connection has committed in between."""
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _take(self, resting: Collection[int]) -> Round:
        self._seen = self._version()
        rows = self._connection.execute(_WINDOW, (self._watched.owner, journal.WINDOW)).fetchall()
        ours = journal.cut(turns([Waiting(*row) for row in rows], resting=resting))
        return Round(turns=[[self._read(number) for number in turn] for turn in ours], others=False)

    def _read(self, number: int) -> Change:
        row = self._connection.execute(_READ, (number,)).fetchone()
        number, id_, operation, key, before, after, size, at, transaction = row
        fits = size <= changes.LARGEST
        return Change(
            number=number,
            id=id_,
            operation=operation,
            key=key,
            before=before if fits else None,
            after=after if fits else None,
            size=size,
            at=dt.datetime.fromisoformat(at),
            transaction=transaction,
        )

    def _settle(self, taken: Round) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            self._connection.executemany(_REMOVE, [(number,) for number in taken.done])
            self._connection.executemany(_REFUSE, [(reason, number) for number, reason in taken.refused.items()])

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise errors.StoreError(f"SQLite: {error}") from error
