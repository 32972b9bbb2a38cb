from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest
from unit.examples import asgi_calls

from shop import maintenance, stock

if TYPE_CHECKING:
    from pathlib import Path


async def tick(app: Any, data: object, at: str = "2026-11-23T02:00:00Z") -> asgi_calls.Answer:
    return await asgi_calls.deliver(app, asgi_calls.event("dev.knative.sources.ping", data, time=at))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
async def stocked(shop_data: Path) -> Path:
    """A shop with one database."""
    await asgi_calls.request(stock.app, "GET", "/stock")
    return shop_data


async def test_a_backup_is_a_whole_database_named_after_its_moment(stocked: Path) -> None:
    answer = await tick(maintenance.backup, {"keep": 7})

    assert answer.status == 204
    assert names(stocked / "backups") == ["stock-20261123T020000.000000Z.db"]
    copy = stocked / "backups" / "stock-20261123T020000.000000Z.db"
    with contextlib.closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT quantity FROM level WHERE sku = 'mug'").fetchone() == (400,)


async def test_only_the_newest_backups_are_kept(stocked: Path) -> None:
    for day in range(21, 24):
        await tick(maintenance.backup, {"keep": 2}, at=f"2026-11-{day}T02:00:00Z")

    assert names(stocked / "backups") == [
        "stock-20261122T020000.000000Z.db",
        "stock-20261123T020000.000000Z.db",
    ]


async def test_a_backup_that_is_asked_for_twice_is_one(stocked: Path) -> None:
    await tick(maintenance.backup, {"keep": 7})
    await tick(maintenance.backup, {"keep": 7})

    assert len(names(stocked / "backups")) == 1


async def test_a_backup_that_would_keep_nothing_is_refused(stocked: Path) -> None:
    answer = await tick(maintenance.backup, {"keep": 0})

    assert answer.status == 422
    assert not (stocked / "backups").exists()


async def test_old_logs_are_deleted_and_all_else_is_left_alone(shop_data: Path) -> None:
    logs = shop_data / "logs"
    logs.mkdir(parents=True)
    month_ago = time.time() - 30 * 86400
    for name, at in {"old.log": month_ago, "new.log": time.time(), "old.txt": month_ago}.items():
        (logs / name).touch()
        os.utime(logs / name, (at, at))
    (logs / "link.log").symlink_to(logs / "old.txt")

    answer = await tick(maintenance.cleanup, {"days": 14})

    assert answer.status == 204
    assert names(logs) == ["link.log", "new.log", "old.txt"]
