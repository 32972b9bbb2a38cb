"""The two databases that can hold the store, behind one way of running a statement.

What holds here: a statement is its own transaction, and what it changed is on the disk when `run` returns. Statements
write ``?`` for a value.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from concurrent import futures
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

Row = tuple[Any, ...]
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000")


class Database(Protocol):
    """Runs one statement.

    Attributes:
        number: How a column of ever growing numbers is declared.
        blob: The type of a column of bytes.
    """

    number: str
    blob: str

    async def run(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows that the statement gives; `errors.StoreError` where it fails, and then nothing was changed."""


class Sqlite:
    """A file. One thread does all the work, so statements never wait for each other's locks."""

    number = "INTEGER PRIMARY KEY AUTOINCREMENT"
    blob = "BLOB"

    def __init__(self, connection: sqlite3.Connection, thread: futures.Executor) -> None:
        self._connection = connection
        self._thread = thread

    async def run(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, statement, values)

    def _run(self, statement: str, values: Sequence[Any]) -> list[Row]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise errors.StoreError(f"SQLite: {error}") from error


@contextlib.asynccontextmanager
async def sqlite(file: Path) -> AsyncIterator[Sqlite]:
    """The database in a file, which is made where there is none.

    Raises:
        errors.EnvironmentProblem: The file cannot be opened.
    """
    with futures.ThreadPoolExecutor(1, thread_name_prefix="sqlite") as thread:
        loop = asyncio.get_running_loop()
        connection = await loop.run_in_executor(thread, _opened, file)
        try:
            yield Sqlite(connection, thread)
        finally:
            await loop.run_in_executor(thread, connection.close)


def _opened(file: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(file, isolation_level=None)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        raise errors.EnvironmentProblem(f"{file} cannot be opened: {error}; is its volume mounted?") from error
    return connection


class Postgres:
    """A server. The connection is made when it is first needed, and anew when it was lost."""

    number = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    blob = "BYTEA"

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.AsyncConnection[Row] | None = None
        self._one = asyncio.Lock()

    async def run(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        async with self._one:
            try:
                cursor = await (await self._connected()).execute(statement.replace("?", "%s").encode(), values)
                return await cursor.fetchall() if cursor.description else []
            except psycopg.Error as error:
                # Its text may quote the address, never the password.
                raise errors.StoreError(f"PostgreSQL: {str(error).strip() or type(error).__name__}") from error

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self) -> psycopg.AsyncConnection[Row]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, connect_timeout=5)
        return self._connection


@contextlib.asynccontextmanager
async def postgres(dsn: str) -> AsyncIterator[Postgres]:
    """The database that a connection string names."""
    database = Postgres(dsn)
    try:
        yield database
    finally:
        await database.close()
