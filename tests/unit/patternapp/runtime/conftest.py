"""The real parts of a runtime over a temporary folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import runtime_parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from patternapp.runtime.store.commits import Store


@pytest.fixture
def clock() -> runtime_parts.HandClock:
    return runtime_parts.HandClock()


@pytest.fixture
def notebook() -> runtime_parts.Notebook:
    return runtime_parts.Notebook()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with runtime_parts.opened(tmp_path / "store.db") as store:
        yield store
