"""What the store does when its file is taken away under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patternapp import errors
from patternapp.runtime.store import commits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[commits.Store]:
    store = commits.Store(tmp_path / "store.db")
    await store.open()
    yield store
    await store.close()


async def test_nothing_is_accepted_into_a_file_that_was_removed(store: commits.Store, tmp_path: Path) -> None:
    (tmp_path / "store.db").unlink()

    with pytest.raises(errors.StoreError, match=r"store\.db was removed; start anew"):
        await store.write(lambda writes: writes.bookmark("slot", "1"))


async def test_nothing_is_accepted_once_another_file_is_in_its_place(store: commits.Store, tmp_path: Path) -> None:
    (tmp_path / "store.db").rename(tmp_path / "elsewhere")
    (tmp_path / "store.db").touch()

    with pytest.raises(errors.StoreError, match="was removed"):
        await store.write(lambda writes: writes.bookmark("slot", "1"))
