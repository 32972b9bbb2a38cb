"""The outbox in PostgreSQL.

What holds here:

* A round is a transaction. Its changes are locked in it, so another reader passes them over; who dies or is cut off
  lets go of them, and nothing that was not committed is removed.
* A notification only says when to look: what was missed is found by the next look.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import conninfo

from patternapp import errors
from patternapp_services.outbox import changes, journal, postgres_schema
from patternapp_services.outbox.changes import Change
from patternapp_services.outbox.journal import Figures, Round
from patternapp_services.outbox.turns import Waiting, turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from patternapp_services.outbox.changes import Place, Watched

_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 5,
    "application_name": "patternapp-outbox",
    "client_encoding": "utf8",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# The server lets go of the locks of a reader whose machine is gone, or that hangs.
_SESSION = """
SET timezone = 'UTC'; SET statement_timeout = '20s'; SET idle_in_transaction_session_timeout = '5min';
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3
"""
_WINDOW = """
SELECT number, key, was FROM patternapp_outbox.changes WHERE owner = %(owner)s AND refused IS NULL
ORDER BY number LIMIT %(window)s
"""
_LOCK = """
SELECT number FROM patternapp_outbox.changes WHERE number = ANY(%(firsts)s) ORDER BY number LIMIT %(round)s
FOR UPDATE SKIP LOCKED
"""
_READ = """
SELECT number, id::text, operation, key, CASE WHEN size <= %(largest)s THEN before::text END,
    CASE WHEN size <= %(largest)s THEN after::text END, size, at, transaction
FROM patternapp_outbox.changes,
    LATERAL (SELECT coalesce(octet_length(before::text), 0) + coalesce(octet_length(after::text), 0)) AS of (size)
WHERE number = ANY(%(numbers)s)
"""
_REMOVE = "DELETE FROM patternapp_outbox.changes WHERE number = ANY(%(numbers)s)"
_REFUSE = "UPDATE patternapp_outbox.changes SET refused = %(reason)s WHERE number = %(number)s"
_FIGURES = """
SELECT count(*) FILTER (WHERE refused IS NULL), count(refused),
    coalesce(extract(epoch FROM clock_timestamp() - min(at) FILTER (WHERE refused IS NULL)), 0)::float8
FROM patternapp_outbox.changes WHERE owner = %(owner)s
"""
Connection = psycopg.AsyncConnection[Any]


@contextlib.asynccontextmanager
async def opened(url: str, watched: Watched) -> AsyncIterator[Postgres]:
    """A connection of its own.

    Raises:
        StoreError: The server cannot be reached, refuses, or is too old.
    """
    try:
        conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        # The error would quote the address, and with it the password.
        raise errors.StoreError(
            "the address is none of PostgreSQL; write postgresql://user:password@host/database"
        ) from None
    async with contextlib.AsyncExitStack() as stack:
        async with _explained(watched):
            connection = await Connection.connect(url, **_OPTIONS)
            stack.push_async_callback(connection.close)
            if connection.info.server_version < postgres_schema.OLDEST:
                raise errors.StoreError(f"the server is older than PostgreSQL {postgres_schema.OLDEST // 10_000}")
            await connection.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
            await connection.execute(_SESSION)
            await connection.execute(f"LISTEN {postgres_schema.CHANNEL}")
        yield Postgres(connection, watched)


class Postgres:
    """A `journal.Journal`."""

    place: Place

    def __init__(self, connection: Connection, watched: Watched) -> None:
        self._connection = connection
        self._watched = watched

    async def prepare(self) -> None:
        async with _explained(self._watched), self._connection.transaction():
            self.place = await postgres_schema.prepare(self._connection, self._watched)

    @contextlib.asynccontextmanager
    async def round(self, *, resting: Collection[int]) -> AsyncIterator[Round]:
        async with contextlib.AsyncExitStack() as transaction:
            async with _explained(self._watched):
                await transaction.enter_async_context(self._connection.transaction())
                taken = await self._take(resting)
            yield taken
            async with _explained(self._watched):
                if taken.done:
                    await self._connection.execute(_REMOVE, {"numbers": taken.done})
                for number, reason in taken.refused.items():
                    await self._connection.execute(_REFUSE, {"number": number, "reason": reason})
                await transaction.aclose()

    async def _take(self, resting: Collection[int]) -> Round:
        known = {"owner": self._watched.owner, "window": journal.WINDOW}
        window = [Waiting(*row) for row in await self._rows(_WINDOW, known)]
        found = {turn[0]: turn for turn in turns(window, resting=resting)}
        if not found:
            return Round(turns=[], others=False)
        locked = await self._rows(_LOCK, {"firsts": list(found), "round": journal.ROUND})
        ours = journal.cut([found[number] for (number,) in locked])
        wanted = {"numbers": [number for turn in ours for number in turn], "largest": changes.LARGEST}
        read = {row[0]: _change(row) for row in await self._rows(_READ, wanted)}
        return Round(turns=[[read[number] for number in turn] for turn in ours], others=not ours)

    async def wait(self, seconds: float) -> None:
        async with _explained(self._watched):
            told = self._connection.notifies(timeout=seconds)
            async with contextlib.aclosing(told):
                async for one in told:
                    if one.payload == self._watched.owner:
                        return

    async def figures(self) -> Figures:
        async with _explained(self._watched):
            ((pending, refused, lag),) = await self._rows(_FIGURES, {"owner": self._watched.owner})
        return Figures(pending=pending, refused=refused, lag=lag)

    async def _rows(self, query: str, values: dict[str, Any]) -> list[Any]:
        return await (await self._connection.execute(query.encode(), values)).fetchall()


def _change(row: tuple[Any, ...]) -> Change:
    number, id_, operation, key, before, after, size, at, transaction = row
    return Change(
        number=number,
        id=id_,
        operation=operation,
        key=key,
        before=before,
        after=after,
        size=size,
        at=at,
        transaction=transaction,
    )


@contextlib.asynccontextmanager
async def _explained(watched: Watched) -> AsyncIterator[None]:
    """What the driver raises, as `StoreError` in words that say what to do."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise errors.StoreError(
            f"PostgreSQL refuses: {error.diag.message_primary}; the reader's user wants TRIGGER on {watched.name}, and "
            "USAGE and CREATE on the schema patternapp_outbox, or CREATE on the database"
        ) from error
    except psycopg.errors.LockNotAvailable as error:
        raise errors.StoreError(
            f"others hold the table {watched.name}, so its trigger waits: see that no transaction stays open"
        ) from error
    except UnicodeError as error:
        raise errors.StoreError(f"a row of {watched.name} has text that is not UTF-8: {error}") from error
    except (psycopg.Error, OSError) as error:
        # Its text may quote the address, never the password.
        said = str(error).strip().partition("\n")[0]
        raise errors.StoreError(f"PostgreSQL: {said or type(error).__name__}") from error
