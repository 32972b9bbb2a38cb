"""The tables, and how a connection is set up.

What holds here:

* The file is opened by one `dev` at a time (the data folder's lock), by one writing and one reading connection.
* ``synchronous=FULL`` in WAL mode: a commit returns after the fsync. SQLite comes from `apsw`, not from the
  standard library: Debian 12 ships 3.40, whose WAL-reset bug can corrupt a file (fixed in 3.51.3).
* `counters` are written in the transaction that changes what they count; `pending` is never a counter but counted,
  so that the ledger's equation can be wrong and is worth checking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from patternapp import errors

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 2

TABLES = """
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  type TEXT NOT NULL,
  attributes TEXT NOT NULL,
  data BLOB,
  ttl INTEGER NOT NULL,
  accepted_at REAL NOT NULL,
  origin TEXT NOT NULL,
  cause INTEGER
) STRICT;
CREATE INDEX events_by_cause ON events (cause) WHERE cause IS NOT NULL;

CREATE TABLE deliveries (
  delivery INTEGER PRIMARY KEY AUTOINCREMENT,
  event INTEGER NOT NULL REFERENCES events (seq),
  edge TEXT NOT NULL,
  partition INTEGER NOT NULL,
  position INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  stage INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  due REAL NOT NULL,
  leased_until REAL NOT NULL DEFAULT 0,
  token INTEGER NOT NULL DEFAULT 0,
  reason TEXT NOT NULL DEFAULT '',
  alone INTEGER NOT NULL DEFAULT 0,
  failure TEXT,
  settled_at REAL,
  purged INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (edge, partition, position) WHERE state = 0;
CREATE INDEX deliveries_due ON deliveries (edge, due) WHERE state = 0;
CREATE INDEX deliveries_dead ON deliveries (delivery) WHERE state = 2 AND purged = 0;
CREATE INDEX deliveries_by_event ON deliveries (event);

CREATE TABLE attempts (
  delivery INTEGER NOT NULL REFERENCES deliveries (delivery),
  started_at REAL NOT NULL,
  seconds REAL NOT NULL,
  code INTEGER,
  error TEXT,
  body BLOB
) STRICT;
CREATE INDEX attempts_by_delivery ON attempts (delivery);

CREATE TABLE logs (
  event INTEGER NOT NULL,
  at REAL NOT NULL,
  function TEXT NOT NULL,
  stream TEXT NOT NULL,
  line TEXT NOT NULL
) STRICT;
CREATE INDEX logs_by_event ON logs (event);

CREATE TABLE ends (edge TEXT, partition INTEGER, position INTEGER NOT NULL, PRIMARY KEY (edge, partition))
  STRICT, WITHOUT ROWID;
CREATE TABLE bookmarks (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES
  ('accepted', 0), ('unmatched', 0), ('deliveries', 0), ('delivered', 0), ('dead_lettered', 0);
"""


def connect(path: Path) -> apsw.Connection:
    """The writing connection, with the tables made or checked.

    Raises:
        EnvironmentProblem: The file is not ours, damaged, or of another version.
    """
    try:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(5_000)
        connection.pragma("auto_vacuum", "incremental")  # of a file that has no tables yet
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        version = connection.pragma("user_version")
        if version == 0:
            with connection:
                connection.execute(TABLES)
                connection.pragma("user_version", VERSION)
        elif version != VERSION:
            raise errors.EnvironmentProblem(
                f"{path} was written by another version of PatternApp (its tables are {version}, not {VERSION}); "
                "move the data folder away, or use the version that made it"
            )
    except (apsw.NotADBError, apsw.CorruptError, apsw.CantOpenError) as error:
        raise errors.EnvironmentProblem(
            f"{path} cannot be opened as PatternApp's store: {error}; move the file away to begin anew"
        ) from error
    return connection


def connect_for_reading(path: Path) -> apsw.Connection:
    """A second connection, which cannot write."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5_000)
    return connection
