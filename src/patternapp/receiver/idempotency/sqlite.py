"""Claims in a SQLite file: shared by the processes of one machine, and durable.

What holds here:

* The standard library's SQLite may be older than 3.51.3, whose write-ahead log could corrupt a file that several
  processes write. So there is none: a rollback journal, and an fsync before every answer.
* One thread of its own does all the work; the event loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent import futures
from typing import TYPE_CHECKING, TypeVar

from patternapp import errors
from patternapp.receiver.idempotency import store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process's transaction."""
PURGE_INTERVAL = 60.0
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS patternapp_handled (
        key BLOB PRIMARY KEY, digest BLOB NOT NULL, token BLOB NOT NULL, expires REAL NOT NULL, outcome BLOB
    ) WITHOUT ROWID
"""
_HELD = "WHERE key = ? AND token = ? AND outcome IS NULL AND expires > ?"


class SqliteStore:
    """A `Store` in a file, which is made where it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: futures.ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._purge_at = 0.0

    async def claim(self, key: bytes, *, digest: bytes, lease: float) -> store.Claim | store.Held | store.Recorded:
        def work(db: sqlite3.Connection) -> store.Claim | store.Held | store.Recorded:
            now = time.time()
            found = db.execute(
                "SELECT digest, outcome FROM patternapp_handled WHERE key = ? AND expires > ?", (key, now)
            ).fetchone()
            if found is not None:
                return store.Held(found[0]) if found[1] is None else store.Recorded(found[0], found[1])
            claim = store.new_claim(key)
            db.execute(
                "INSERT OR REPLACE INTO patternapp_handled VALUES (?, ?, ?, ?, NULL)",
                (key, digest, claim.token, now + lease),
            )
            return claim

        return await self._run(work)

    async def renew(self, claim: store.Claim, *, lease: float) -> None:
        await self._change("UPDATE patternapp_handled SET expires = ?", claim, time.time() + lease)

    async def settle(self, claim: store.Claim, outcome: bytes, *, keep: float) -> None:
        until = time.time() + keep
        await self._change("UPDATE patternapp_handled SET outcome = ?, expires = ?", claim, outcome, until)

    async def release(self, claim: store.Claim) -> None:
        await self._run(
            lambda db: db.execute(
                "DELETE FROM patternapp_handled WHERE key = ? AND token = ? AND outcome IS NULL",
                (claim.key, claim.token),
            )
        )

    async def close(self) -> None:
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown()
            self._thread = None

    async def _change(self, statement: str, claim: store.Claim, *values: bytes | float) -> None:
        def work(db: sqlite3.Connection) -> int:
            self._purge(db)
            return db.execute(f"{statement} {_HELD}", (*values, claim.key, claim.token, time.time())).rowcount

        if not await self._run(work):
            raise errors.LeaseLost("the claim ran out, or was settled")

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._thread is None:
            self._thread = futures.ThreadPoolExecutor(1, thread_name_prefix="patternapp-idempotency")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._connect()
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                return work(self._connection)
        except sqlite3.Error as error:
            self._disconnect()
            raise errors.StoreError(f"{self._path} does not take claims: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_SCHEMA)
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _purge(self, db: sqlite3.Connection) -> None:
        now = time.time()
        if now >= self._purge_at:
            self._purge_at = now + PURGE_INTERVAL
            db.execute("DELETE FROM patternapp_handled WHERE expires <= ?", (now,))
