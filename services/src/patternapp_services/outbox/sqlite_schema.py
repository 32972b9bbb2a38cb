r"""The table and the triggers that note changes in a SQLite file.

What holds here: a trigger can only fail as the user's own statement would: what JSON cannot hold is written as
PostgreSQL writes it, bytes as ``\x`` and hexadecimal digits, infinities as text.
"""

from __future__ import annotations

import json
import pathlib
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp_services.outbox.changes import Place

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from patternapp.spec import sources
    from patternapp_services.outbox.changes import Watched

_OUTBOX = """
CREATE TABLE IF NOT EXISTS patternapp_outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    was TEXT,
    before TEXT,
    after TEXT,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')),
    refused TEXT
)
"""
_INDEX = (
    "CREATE INDEX IF NOT EXISTS patternapp_outbox_waiting ON patternapp_outbox (owner, number) WHERE refused IS NULL"
)
_THERE = """
SELECT name, sql FROM sqlite_schema
WHERE name = 'patternapp_outbox' OR type = 'trigger' AND substr(name, 1, length(:trigger)) = :trigger
"""
_TRIGGER = """CREATE TRIGGER {name} AFTER {operation} ON {table} BEGIN
    INSERT INTO patternapp_outbox (owner, operation, key, was, before, after)
    VALUES ({owner}, '{operation}', {key}, nullif({known}, {key}), {before}, {after});
END"""
_ROWS: dict[sources.Operation, tuple[str, str]] = {
    "insert": ("", "NEW"),
    "update": ("OLD", "NEW"),
    "delete": ("OLD", ""),
}
"""What a trigger knows of the row as it was, and as it is."""
_AS_TEXT = "CASE typeof({0}) WHEN 'blob' THEN '\\x' || lower(hex({0})) ELSE CAST({0} AS TEXT) END"
_VALUE = (
    "CASE typeof({0}) WHEN 'blob' THEN json_quote('\\x' || lower(hex({0}))) WHEN 'real' THEN CASE {0} "
    "WHEN 9e999 THEN '\"Infinity\"' WHEN -9e999 THEN '\"-Infinity\"' ELSE json_quote({0}) END ELSE json_quote({0}) END"
)


def prepare(connection: sqlite3.Connection, watched: Watched) -> Place:
    """Have everything there that notes the changes of a table; where the table is.

    Raises:
        StoreError: There is no such table.
        sqlite3.Error: The file cannot be read or written.
    """
    table = _found(connection, watched)
    wanted = _triggers(connection, table, watched)
    there = dict(connection.execute(_THERE, {"trigger": watched.trigger}))
    if there.pop("patternapp_outbox", None) is None or there != wanted:
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            connection.execute(_OUTBOX)
            connection.execute(_INDEX)
            for name in there:
                connection.execute(f"DROP TRIGGER {_quoted(name)}")
            for text in wanted.values():
                connection.execute(text)
    (file,) = connection.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
    # As on PostgreSQL, where tables are in `public` unless it is said otherwise.
    return Place(database=pathlib.Path(file).stem, schema=watched.schema or "public", table=table)


def _found(connection: sqlite3.Connection, watched: Watched) -> str:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower(?)"
    found = connection.execute(query, (watched.table,)).fetchone()
    if found is None:
        raise errors.StoreError(f"the database has no table {watched.table} yet: make it, or mend the entry's table")
    table: str = found[0]
    return table


def _triggers(connection: sqlite3.Connection, table: str, watched: Watched) -> dict[str, str]:
    """The statements that make the triggers of a table, by the triggers' names."""
    columns = connection.execute(
        "SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid", (table,)
    ).fetchall()
    names = [name for name, _ in columns]
    keys = [name for name, pk in sorted(columns, key=lambda column: column[1]) if pk]
    made = {}
    for operation in watched.operations:
        earlier, later = _ROWS[operation]
        name = f"{watched.trigger}_{operation}"
        made[name] = _TRIGGER.format(
            name=_quoted(name),
            operation=operation,
            table=_quoted(table),
            owner=_text(watched.owner),
            known=_key(earlier or later, keys),
            key=_key(later or earlier, keys),
            before=_row(earlier, names),
            after=_row(later, names),
        )
    return made


def _row(of: str, columns: Iterable[str]) -> str:
    """An expression for a row as a JSON object; NULL for none."""
    if not of:
        return "NULL"
    members = [f"{_text(json.dumps(name) + ':')} || {_VALUE.format(_column(of, name))}" for name in columns]
    return "'{' || " + " || ',' || ".join(members) + " || '}'"


def _key(of: str, columns: Iterable[str]) -> str:
    """An expression for the key of a row: a JSON list of texts."""
    members = [f"json_quote({_AS_TEXT.format(_column(of, name))})" for name in columns]
    return " || ".join(("'['", " || ',' || ".join(members), "']'") if members else ("'[]'",))


def _column(of: str, name: str) -> str:
    return f"{of}.{_quoted(name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
