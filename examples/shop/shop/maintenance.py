"""Nightly work: `backup` copies the databases while they are in use, `cleanup` deletes old logs."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from patternapp.receiver import Event, Receiver, Reject
from shop import storage

if TYPE_CHECKING:
    from pathlib import Path

TICK = "dev.knative.sources.ping"
"""The type of a schedule's events."""


class Retention(BaseModel):
    """The data of the backup's schedule."""

    keep: Annotated[int, Field(ge=1)]


class Age(BaseModel):
    """The data of the clean-up's schedule."""

    days: Annotated[float, Field(gt=0)]


backup = Receiver()
cleanup = Receiver()


@backup.on(TICK)
def back_up(event: Event[Retention]) -> None:
    """Copy each database to a file named after the event's time, and keep the newest few of each."""
    if "time" not in event.attributes:
        raise Reject("a backup is named after the time of its event, and this one has none")
    when = datetime.fromisoformat(f"{event.attributes['time']}").astimezone(UTC)
    target = storage.folder("backups")
    for database in sorted(storage.folder().glob("*.db")):
        _copy(database, target / f"{database.stem}-{when:%Y%m%dT%H%M%S.%fZ}.db")
        copies = sorted(target.glob(f"{database.stem}-*.db"))
        for old in copies[: -event.data.keep]:
            old.unlink(missing_ok=True)


@cleanup.on(TICK)
def clean_up(age: Age) -> None:
    """Delete the logs that nobody wrote to for so many days."""
    oldest = time.time() - timedelta(days=age.days).total_seconds()
    for log in storage.folder("logs").glob("*.log"):
        if log.is_file() and not log.is_symlink() and log.stat().st_mtime < oldest:
            log.unlink(missing_ok=True)
            print(f"deleted {log.name}")  # noqa: T201 - shown with the event in `dev` and in the log of the Pod


def _copy(database: Path, target: Path) -> None:
    """SQLite's online backup: one consistent moment, without keeping writers out for long."""
    unfinished = target.with_suffix(".unfinished")
    with (
        contextlib.closing(sqlite3.connect(database, timeout=10)) as source,
        contextlib.closing(sqlite3.connect(unfinished)) as copy,
    ):
        source.backup(copy)
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"the copy of {database.name} is damaged: {verdict}")
    unfinished.replace(target)
