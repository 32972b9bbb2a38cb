"""Watching a real folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from patternapp.runtime import watching

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

DEADLINE = 20


@pytest.fixture
async def bursts(tmp_path: Path) -> AsyncGenerator[AsyncGenerator[frozenset[str] | None]]:
    found = watching.bursts(tmp_path, wanted=None, quiet_ms=10, longest_ms=100, timeout_ms=100)
    async with asyncio.timeout(DEADLINE), contextlib.aclosing(found):
        yield found


async def test_an_empty_burst_says_that_the_watch_is_on_and_nothing_changed(
    bursts: AsyncGenerator[frozenset[str] | None],
) -> None:
    assert await anext(bursts) == frozenset()


async def test_what_changed_comes_as_absolute_paths(
    bursts: AsyncGenerator[frozenset[str] | None], tmp_path: Path
) -> None:
    await anext(bursts)

    (tmp_path / "a").touch()

    assert await anext(bursts) == frozenset({str(tmp_path / "a")})


async def test_a_watch_that_a_name_broke_is_made_anew_and_tells_so(
    bursts: AsyncGenerator[frozenset[str] | None], tmp_path: Path
) -> None:
    await anext(bursts)

    (tmp_path / os.fsdecode(b"caf\xe9")).touch()

    assert await anext(bursts) is None
    assert await anext(bursts) == frozenset()
    (tmp_path / "a").touch()
    assert await anext(bursts) == frozenset({str(tmp_path / "a")})
