"""The store as its users see it, in two ways: kept open, and opened anew before every call as after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from patternapp.runtime.store import commits, reads, writes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

T = TypeVar("T")


class Reopened:
    """A store that is closed and opened again before every call: what a call relies on must be in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def _with(self, call: Callable[[commits.Store], Any]) -> Any:
        store = commits.Store(self._path)
        await store.open()
        try:
            return await call(store)
        finally:
            await store.close()

    async def write(self, work: Callable[[writes.Writes], T]) -> T:
        result: T = await self._with(lambda store: store.write(work))
        return result

    async def read(self, look: Callable[[reads.Reads], T]) -> T:
        result: T = await self._with(lambda store: store.read(look))
        return result


@pytest.fixture(params=["kept open", "opened anew for every call"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[commits.Store | Reopened]:
    path = tmp_path / "store.db"
    if request.param != "kept open":
        yield Reopened(path)
        return
    opened = commits.Store(path)
    await opened.open()
    yield opened
    await opened.close()
