"""Which addresses are of databases that can be watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patternapp import errors
from patternapp.spec import sources
from patternapp_services.outbox import changes, urls

if TYPE_CHECKING:
    from pathlib import Path

WATCHED = changes.watched(
    sources.Database.model_validate({"secretName": "shop-db", "table": "stock"}), owner="o", marker="m"
)


async def trouble(url: str, folder: Path | None) -> str:
    with pytest.raises((errors.StoreError, errors.EnvironmentProblem)) as refused:
        async with urls.opened(url, WATCHED, folder=folder):
            pass
    return str(refused.value)


@pytest.mark.parametrize("url", ["mysql://root:hunter2@db/shop", "hunter2", ""])
async def test_another_database_is_refused_and_its_address_not_shown(tmp_path: Path, url: str) -> None:
    told = await trouble(url, tmp_path)

    assert "write postgresql://user:password@host/database or sqlite:///file.db" in told
    assert "hunter2" not in told


async def test_a_malformed_address_is_refused_and_not_shown() -> None:
    told = await trouble("postgresql://user:hunter2@host:port:more/shop?=", None)

    assert "write postgresql://" in told
    assert "hunter2" not in told


async def test_a_file_is_no_database_of_a_cluster() -> None:
    assert "sqlite" not in await trouble("sqlite:///shop.db", None)


@pytest.mark.parametrize("url", ["sqlite:///shop.db", "sqlite+aiosqlite:///shop.db", "sqlite:///shop.db?timeout=5"])
async def test_a_file_is_looked_for_in_the_app_s_folder(tmp_path: Path, url: str) -> None:
    assert f"there is no file {tmp_path / 'shop.db'} yet" in await trouble(url, tmp_path)


async def test_a_file_with_four_slashes_is_anywhere(tmp_path: Path) -> None:
    assert "there is no file /nowhere/shop.db yet" in await trouble("sqlite:////nowhere/shop.db", tmp_path)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
async def test_a_server_that_does_not_answer_is_named_and_its_password_is_not(scheme: str) -> None:
    told = await trouble(f"{scheme}://user:hunter2@127.0.0.1:1/shop", None)

    assert told.startswith("PostgreSQL: ")
    assert "127.0.0.1" in told
    assert "hunter2" not in told
