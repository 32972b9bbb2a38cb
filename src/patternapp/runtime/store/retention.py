"""Forgets what is over, so that the store does not grow for ever: old events, and old ones beyond a number.

What holds here:

* An event goes with its deliveries, attempts and lines, and only if it is over: every delivery was delivered, or was a
  dead letter that somebody purged. What is pending and what can still be driven again is never forgotten.
* The ledger counts what was forgotten, as its totals are counters.
* Every write is small (`ROWS`, `PAGES`), and there is a pause between two: whoever publishes waits for one at most.
* Doing it twice, or stopping in the middle, harms nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from patternapp.runtime.clock import Clock
    from patternapp.runtime.store.commits import Store

EVERY = 60.0
"""Seconds from one sweep to the next."""
PAUSE = 0.02
"""Seconds between two writes."""
LOOK = 200
"""Events that are looked at together."""
ROWS = 1_000
"""Rows, and pages of large data, that one write removes at most; one event is always removed as a whole."""
PAGES = 250
"""Pages that one write gives back to the file system."""
SPARE = 1_000
"""Free pages that are kept at least (4 MiB), beside a quarter of the file: what comes in next fills them."""

_CANDIDATES = """
  SELECT e.seq, e.accepted_at,
    EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.seq AND (d.state = 0 OR (d.state = 2 AND NOT d.purged))),
    (SELECT max(settled_at) FROM deliveries d WHERE d.event = e.seq),
    1 + (SELECT count(*) FROM logs l WHERE l.event = e.seq)
      + (SELECT coalesce(sum(1 + d.attempts), 0) FROM deliveries d WHERE d.event = e.seq)
      + coalesce(length(e.data), 0) / 4096
  FROM events e WHERE e.seq > ? ORDER BY e.seq LIMIT ?
"""
_FORGET = (
    "DELETE FROM logs WHERE event = ?",
    "DELETE FROM attempts WHERE delivery IN (SELECT delivery FROM deliveries WHERE event = ?)",
    "DELETE FROM deliveries WHERE event = ?",
    "DELETE FROM events WHERE seq = ?",
)


class Found(NamedTuple):
    """Events that can be forgotten, and the number after which to look on; None where all that is old was seen."""

    seqs: tuple[int, ...]
    after: int | None


def find(connection: apsw.Connection, *, after: int, since: float, newest: int) -> Found:
    """Some events behind the number `after` that are over: for longer than `since`, or not among the `newest`."""
    last: Any = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchall()[0][0]
    rows: list[tuple[Any, ...]] = connection.execute(_CANDIDATES, (after, LOOK)).fetchall()
    seqs: list[int] = []
    weight = 0
    for seq, accepted_at, is_open, settled_at, size in rows:
        surplus = seq <= last - newest
        if not surplus and accepted_at >= since:
            return Found(tuple(seqs), None)
        if is_open or not (surplus or (settled_at or accepted_at) < since):
            continue
        seqs.append(seq)
        weight += size
        if weight >= ROWS:
            return Found(tuple(seqs), seq)
    return Found(tuple(seqs), rows[-1][0] if len(rows) == LOOK else None)


def forget(connection: apsw.Connection, seqs: Sequence[int]) -> None:
    """Remove events that `find` found. What is over stays over, so nothing can have happened to them since."""
    for statement in _FORGET:
        connection.executemany(statement, [(seq,) for seq in seqs])


def spare_pages(connection: apsw.Connection) -> int:
    """How many free pages the file has that it does not need."""
    return int(connection.pragma("freelist_count") - max(SPARE, connection.pragma("page_count") // 4))


def give_back(connection: apsw.Connection) -> None:
    """Shorten the file by some free pages."""
    connection.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()


class Retention:
    """Keeps what is over for `keep` seconds, and among the `newest` events."""

    def __init__(self, store: Store, *, keep: float, newest: int, clock: Clock) -> None:
        self._store = store
        self._keep = keep
        self._newest = newest
        self._clock = clock

    async def run(self) -> None:
        """Sweep again and again until the task is cancelled."""
        while True:
            # A store that cannot write is told about by whoever delivers; the next sweep does what this one did not.
            with contextlib.suppress(errors.StoreError):
                await self.sweep()
            await asyncio.sleep(EVERY)

    async def sweep(self) -> None:
        """Forget all that is to be forgotten now. Raises StoreError where the store cannot write."""
        since = self._clock.now() - self._keep
        after: int | None = 0
        while after is not None:
            found = await self._find(after, since)
            if found.seqs:
                await self._forget(found.seqs)
            after = found.after
            await asyncio.sleep(PAUSE)
        while await self._store.read(lambda reads: spare_pages(reads.connection)) > 0:
            await self._store.write(lambda writes: give_back(writes.connection))
            await asyncio.sleep(PAUSE)

    async def _find(self, after: int, since: float) -> Found:
        return await self._store.read(
            lambda reads: find(reads.connection, after=after, since=since, newest=self._newest)
        )

    async def _forget(self, seqs: tuple[int, ...]) -> None:
        await self._store.write(lambda writes: forget(writes.connection, seqs))
