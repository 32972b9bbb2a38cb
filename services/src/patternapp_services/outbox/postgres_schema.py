"""The table, the function and the triggers that note changes in PostgreSQL.

What holds here:

* A change is noted in the transaction that made it: committed with it, rolled back with it.
* Whoever writes to the watched table needs no rights on the outbox: the function runs as the reader's user.
* What it runs for a row fails only as the user's own statement would: no value of a row is refused.
* What is there as it must be is left alone: looking takes no lock that writers would notice. What is not is made by
  one reader at a time, and gives up soon where others hold the table, so that nobody queues behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from patternapp import errors
from patternapp_services.outbox.changes import Place

if TYPE_CHECKING:
    import psycopg

    from patternapp_services.outbox.changes import Watched

OLDEST = 140_000
"""PostgreSQL 14, the first in which a trigger can be replaced by who does not own its table."""
CHANNEL = "patternapp_outbox"
"""Where a commit with changes is told; the message is the entry that asked for them."""
_LOCK = 6_026_114_227_002
"""The advisory lock of who makes things."""
_TYPES = {"insert": 4, "delete": 8, "update": 16}
"""Bits of ``pg_trigger.tgtype``, beside that of triggers for each row."""
_EACH_ROW = 1
# Not `patternapp`: PostgreSQL puts what a user makes into the schema that has the user's name, if there is one.
_TABLE = """
CREATE TABLE patternapp_outbox.changes (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    operation text NOT NULL,
    key text NOT NULL,
    was text,
    before json,
    after json,
    transaction bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    refused text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)
"""
_INDEX = "CREATE INDEX changes_waiting ON patternapp_outbox.changes (owner, number) WHERE refused IS NULL"
# A row is noted as `json`, which keeps the text of every value. `jsonb` refuses some, as the operators of `json` do,
# and the user's own statement would fail with them; so nothing is read out of it here.
_BODY = """
DECLARE
    earlier json := row_to_json(OLD);
    later json := row_to_json(NEW);
    known text;
    key_now text;
BEGIN
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            known := json_build_array({old});
        END IF;
        IF TG_OP <> 'DELETE' THEN
            key_now := json_build_array({new});
        END IF;
    EXCEPTION WHEN undefined_column THEN
        -- A column of the key was renamed; the reader makes this function anew when it looks next.
        known := '[]';
        key_now := '[]';
    END;
    INSERT INTO patternapp_outbox.changes (owner, operation, key, was, before, after)
    VALUES ({owner}, lower(TG_OP), coalesce(key_now, known), CASE WHEN known <> key_now THEN known END, earlier, later);
    PERFORM pg_notify('patternapp_outbox', {owner});
    RETURN NULL;
END
"""
_FUNCTION = """
CREATE OR REPLACE FUNCTION patternapp_outbox.{name}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {body};
REVOKE ALL ON FUNCTION patternapp_outbox.{name}() FROM PUBLIC
"""
_TRIGGER = """
CREATE OR REPLACE TRIGGER {name} AFTER {operations} ON {table}
FOR EACH ROW EXECUTE FUNCTION patternapp_outbox.{name}()
"""
_FOUND = """
SELECT c.oid, n.nspname, c.relname, current_database(), c.relkind::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = coalesce(to_regclass(%(exact)s), to_regclass(%(folded)s))
"""
_KEYS = """
SELECT a.attname FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %(table)s AND i.indisprimary AND k.place <= i.indnkeyatts ORDER BY k.place
"""
_THERE = """
SELECT t.tgtype, p.prosrc, to_regclass('patternapp_outbox.changes') IS NOT NULL
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = %(table)s AND t.tgname = %(trigger)s
"""
_ELSEWHERE = """
SELECT t.tgrelid::regclass::text FROM pg_trigger t
WHERE t.tgname = %(trigger)s AND t.tgrelid <> %(table)s AND t.tgparentid = 0
"""
_MADE = "SELECT to_regnamespace('patternapp_outbox') IS NOT NULL, to_regclass('patternapp_outbox.changes') IS NOT NULL"


async def prepare(connection: psycopg.AsyncConnection[Any], watched: Watched) -> Place:
    """Have everything there that notes the changes of a table; where the table is. To be run in a transaction.

    Raises:
        StoreError: There is no such table, or it cannot be watched.
        psycopg.Error: The server refuses.
    """
    oid, place = await _found(connection, watched)
    keys = [row[0] for row in await _rows(connection, _KEYS, table=oid)]
    bits = _EACH_ROW + sum(_TYPES[operation] for operation in watched.operations)
    body = _body(connection, watched, keys)
    there = await _rows(connection, _THERE, table=oid, trigger=watched.trigger)
    elsewhere = await _rows(connection, _ELSEWHERE, table=oid, trigger=watched.trigger)
    if there != [(bits, body, True)] or elsewhere:
        await connection.execute("SET LOCAL lock_timeout = '2s'")
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await _make_outbox(connection)
        name = sql.Identifier(watched.trigger)
        for (table,) in elsewhere:
            # The server wrote this name, quoted where it must be.
            await connection.execute(sql.SQL("DROP TRIGGER {} ON {}").format(name, sql.SQL(table)))
        await connection.execute(sql.SQL(_FUNCTION).format(name=name, body=sql.Literal(body)))
        operations = sql.SQL(" OR ").join(sql.SQL(operation) for operation in watched.operations)
        table = sql.Identifier(place.schema, place.table)
        await connection.execute(sql.SQL(_TRIGGER).format(name=name, operations=operations, table=table))
    return place


def _body(connection: psycopg.AsyncConnection[Any], watched: Watched, keys: list[str]) -> str:
    """The body of the function of an entry."""

    def columns(of: str) -> sql.Composable:
        return sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(of), sql.Identifier(key)) for key in keys)

    made = sql.SQL(_BODY).format(old=columns("OLD"), new=columns("NEW"), owner=sql.Literal(watched.owner))
    return made.as_string(connection)


async def _found(connection: psycopg.AsyncConnection[Any], watched: Watched) -> tuple[int, Place]:
    parts = [part for part in (watched.schema, watched.table) if part is not None]
    exact = sql.Identifier(*parts).as_string(connection)
    found = await _rows(connection, _FOUND, exact=exact, folded=exact.lower())
    if not found:
        raise errors.StoreError(
            f"there is no table {watched.name} in the database {connection.info.dbname} that its user "
            f"{connection.info.user} can see: make it, or mend the entry's table"
        )
    oid, schema, table, database, kind = found[0]
    if kind not in {"r", "p"}:
        raise errors.StoreError(f"{watched.name} is no table, and only changes of tables can be noted: name the table")
    return oid, Place(database=database, schema=schema, table=table)


async def _make_outbox(connection: psycopg.AsyncConnection[Any]) -> None:
    ((schema, table),) = await _rows(connection, _MADE)
    if not schema:
        await connection.execute("CREATE SCHEMA patternapp_outbox")
    if not table:
        await connection.execute(_TABLE)
        await connection.execute(_INDEX)


async def _rows(connection: psycopg.AsyncConnection[Any], query: str, **values: object) -> list[Any]:
    cursor = await connection.execute(query.encode(), values)
    return await cursor.fetchall()
