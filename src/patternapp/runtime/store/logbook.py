"""Keeps what functions print, with the event they worked on: in groups, and no more than is worth reading.

What holds here:

* Printing never waits for the disk, and whatever a function prints costs bounded memory and a bounded part of the disk.
* An event keeps its first lines, `LINES` of them and `BYTES` at most; a last one says that there were more.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp.runtime.bells import Bell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import LogLine

LINES = 1_000
"""Lines that an event keeps."""
BYTES = 64 * 1024
"""Bytes of UTF-8 that they have together at most."""
CUT = f"[what was printed after this is not kept: an event keeps {LINES} lines and {BYTES // 1024} KiB]"
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
        self._waiting: Counter[int] = Counter()
        """Bytes of each event's lines that wait; what is beyond the limit would not be kept anyway."""

    def add(self, line: LogLine) -> None:
        """Take a line; never waits."""
        if self._waiting[line.event] > BYTES:
            return
        self._waiting[line.event] += size(line)
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
        self._waiting.clear()
        if lines:
            try:
                await self._store.write(lambda writes: write(writes.connection, lines))
            except errors.StoreError:
                self._lines.extendleft(reversed(lines))


def size(line: LogLine) -> int:
    """What a line counts: its bytes and its end."""
    return len(line.line.encode()) + 1


def write(connection: apsw.Connection, lines: Iterable[LogLine]) -> None:
    """Keep lines, as far as their events keep any more; those of an event that was forgotten are dropped."""
    by_event: dict[int, list[LogLine]] = {}
    for line in lines:
        by_event.setdefault(line.event, []).append(line)
    for event, printed in by_event.items():
        _write(connection, event, printed)


def _write(connection: apsw.Connection, event: int, printed: Sequence[LogLine]) -> None:
    known = connection.execute("SELECT 1 FROM events WHERE seq = ?", (event,)).fetchall()
    rows: list[Any] = connection.execute("SELECT line FROM logs WHERE event = ? ORDER BY rowid", (event,)).fetchall()
    kept: list[str] = [line for (line,) in rows]
    if not known or (kept and kept[-1] == CUT):
        return
    count, left = len(kept), BYTES - sum(len(line.encode()) + 1 for line in kept)
    for line in printed:
        count, left = count + 1, left - size(line)
        if count > LINES or left < 0:
            begun = line.line.encode()[: left + size(line)].decode(errors="ignore") if count <= LINES else ""
            for text in (begun, CUT) if begun else (CUT,):
                _insert(connection, line, text)
            return
        _insert(connection, line, line.line)


def _insert(connection: apsw.Connection, line: LogLine, text: str) -> None:
    connection.execute(
        "INSERT INTO logs VALUES (?, ?, ?, ?, ?)", (line.event, line.at, line.function, line.stream, text)
    )
