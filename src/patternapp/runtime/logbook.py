"""Keeps what functions print: on to the listener at once, into the store in groups."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp.runtime.bells import Bell

if TYPE_CHECKING:
    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import LogLine

WAITING_LINES = 10_000
"""Lines kept in memory until they are written; the oldest go first when functions print faster than that."""
GATHER_SECONDS = 0.1
"""How long lines gather before they are written together."""


class Logbook:
    """Lines of functions on their way into the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bell = Bell()
        self._lines: deque[LogLine] = deque(maxlen=WAITING_LINES)

    def add(self, line: LogLine) -> None:
        """Take a line; never waits."""
        self._lines.append(line)
        self._bell.ring()

    async def run(self) -> None:
        """Write what gathers, until the task is cancelled; `flush` writes the rest."""
        while True:
            known = self._bell.rings
            await self.flush()
            await self._bell.wait(known)
            await asyncio.sleep(GATHER_SECONDS)

    async def flush(self) -> None:
        """Write what has gathered. A store that cannot write costs the lines, never the app."""
        lines = tuple(self._lines)
        self._lines.clear()
        if lines:
            try:
                await self._store.write(lambda writes: writes.log(lines))
            except errors.StoreError:
                self._lines.extendleft(reversed(lines))
