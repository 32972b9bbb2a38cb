"""Where the shop keeps its state: files and SQLite databases below the folder that SHOP_DATA names.

What holds here:

* Folders are made on demand, so that an empty machine needs no set-up.
* A reader never sees half a file or half a transaction, and what was kept survives a power cut.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def folder(*parts: str) -> Path:
    """A folder below SHOP_DATA, made where it is missing."""
    path = Path(os.environ["SHOP_DATA"], *parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def transaction(database: str, schema: tuple[str, ...]) -> Iterator[sqlite3.Connection]:
    """One write transaction, kept as a whole at the end of the block, or undone as a whole by an exception.

    Each has a connection of its own: handlers run in threads, and instances of a function in processes.
    """
    path = folder() / f"{database}.db"
    with contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as db:
        # The rollback journal is the default, and right here: before SQLite 3.51.3, which few Pythons have, two
        # processes that write in WAL mode can damage the file.
        db.execute("PRAGMA synchronous = FULL")
        db.row_factory = sqlite3.Row
        db.execute("BEGIN IMMEDIATE")
        with db:
            for statement in schema:
                db.execute(statement)
            yield db


def write(path: Path, content: bytes) -> None:
    """Put a file in place at once, whole, and on the disk. The same again is harmless."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
