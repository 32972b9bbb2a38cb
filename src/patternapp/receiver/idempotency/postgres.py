"""Claims in PostgreSQL, by its clock: shared by every process that knows the database, and durable.

What holds here: every call is one statement, or two, committed by itself; connections are few, opened when they are
needed and forgotten all together when one fails, as a server that was started anew closes them all.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import psycopg

from patternapp import errors
from patternapp.receiver.idempotency import store

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTIONS = 8
TIMEOUT = 5.0
"""Seconds for a call, with the wait for a connection."""
PURGE_INTERVAL = 60.0
_TRIES = 3
_LOCK = 6_026_114_227_001
"""Two processes that make the same table at once would fail; this advisory lock lets one be first."""
_SCHEMA = f"""
    BEGIN;
    SELECT pg_advisory_xact_lock({_LOCK});
    CREATE TABLE IF NOT EXISTS patternapp_handled (
        key bytea PRIMARY KEY, digest bytea NOT NULL, token bytea NOT NULL, expires timestamptz NOT NULL, outcome bytea
    );
    CREATE INDEX IF NOT EXISTS patternapp_handled_expires ON patternapp_handled (expires);
    COMMIT
"""
_CLAIM = """
    INSERT INTO patternapp_handled AS handled (key, digest, token, expires)
    VALUES (%(key)s, %(digest)s, %(token)s, now() + make_interval(secs => %(lease)s))
    ON CONFLICT (key) DO UPDATE
    SET digest = excluded.digest, token = excluded.token, expires = excluded.expires, outcome = NULL
    WHERE handled.expires <= now()
    RETURNING 1
"""
_LOOK = "SELECT digest, outcome FROM patternapp_handled WHERE key = %(key)s AND expires > now()"
_RENEW = "UPDATE patternapp_handled SET expires = now() + make_interval(secs => %(lease)s)"
_SETTLE = """
    UPDATE patternapp_handled SET outcome = %(outcome)s, expires = now() + make_interval(secs => %(keep)s)
"""
_HELD = "WHERE key = %(key)s AND token = %(token)s AND outcome IS NULL AND expires > now() RETURNING 1"
_RELEASE = "DELETE FROM patternapp_handled WHERE key = %(key)s AND token = %(token)s AND outcome IS NULL RETURNING 1"
_PURGE = """
    DELETE FROM patternapp_handled WHERE key IN (
        SELECT key FROM patternapp_handled WHERE expires <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED
    ) RETURNING 1
"""

Row = tuple[Any, ...]


class PostgresStore:
    """A `Store` in the table ``patternapp_handled``, which is made where it is missing.

    Args:
        dsn: ``postgresql://user:password@host/database``, or what libpq reads otherwise.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._idle: list[psycopg.AsyncConnection[Row]] = []
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._ready = False
        self._purge_at = 0.0

    async def claim(self, key: bytes, *, digest: bytes, lease: float) -> store.Claim | store.Held | store.Recorded:
        claim = store.new_claim(key)
        values = {"key": key, "digest": digest, "token": claim.token, "lease": lease}
        for _ in range(_TRIES):
            if await self._one(_CLAIM, values):
                return claim
            found = await self._one(_LOOK, values)
            if found is not None:
                return store.Held(found[0]) if found[1] is None else store.Recorded(found[0], found[1])
        return store.Held(digest)

    async def renew(self, claim: store.Claim, *, lease: float) -> None:
        await self._change(_RENEW, claim, {"lease": lease})

    async def settle(self, claim: store.Claim, outcome: bytes, *, keep: float) -> None:
        await self._change(_SETTLE, claim, {"outcome": outcome, "keep": keep})
        if time.monotonic() >= self._purge_at:
            self._purge_at = time.monotonic() + PURGE_INTERVAL
            await self._one(_PURGE, {})

    async def release(self, claim: store.Claim) -> None:
        await self._one(_RELEASE, {"key": claim.key, "token": claim.token})

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()

    async def _change(self, statement: str, claim: store.Claim, values: Mapping[str, Any]) -> None:
        if await self._one(f"{statement} {_HELD}", {**values, "key": claim.key, "token": claim.token}) is None:
            raise errors.LeaseLost("the claim ran out, or was settled")

    async def _one(self, statement: str, values: Mapping[str, Any]) -> Row | None:
        """The first row that a statement returns."""
        try:
            async with asyncio.timeout(TIMEOUT), self._places:
                connection = self._idle.pop() if self._idle else await self._connect()
                try:
                    row = await (await connection.execute(statement.encode(), values)).fetchone()
                except BaseException:
                    await connection.close()
                    raise
                self._idle.append(connection)
                return row
        except (psycopg.Error, OSError) as error:
            await self.close()
            reason = str(error).strip() or f"no answer within {TIMEOUT:g} s"
            raise errors.StoreError(f"PostgreSQL does not take claims: {reason}") from error

    async def _connect(self) -> psycopg.AsyncConnection[Row]:
        connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        if not self._ready:
            try:
                await connection.execute(_SCHEMA.encode())
            except BaseException:
                await connection.close()
                raise
            self._ready = True
        return connection
