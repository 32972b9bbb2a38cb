"""Everything that changes the store, each a method that runs inside a transaction somebody else opened.

What holds here:

* A method raises only before its first statement that writes, so a group of calls can share one transaction.
* A delivery is created by `accept`, and its state changes only in `settle`, `record`, `redrive` and `abandon`,
  together with the counters.
* A lease is exclusive until it expires: `lease` never hands out a delivery whose lease is running, and `settle` refuses
  a token that is not the delivery's last and spends the one it takes. So what is acknowledged never goes out again.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp.cloudevents import Event
from patternapp.runtime.store.records import Lease, Stage, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import apsw

    from patternapp.runtime.store.records import Acceptance, Attempt, Fate, Settlement, Target

_LEASABLE = """
  SELECT d.delivery, d.token, d.event, d.attempts, d.stage, d.partition, d.failure, d.due, d.leased_until, d.reason,
    d.alone OR d.stage = 1
  FROM deliveries d WHERE d.edge = ? AND d.state = 0
"""
LEASED_BYTES = 512 * 1024
"""Bytes of events that are leased together at most (one event always is): a batch of them, in JSON with its data in
base64, stays under the 1 MiB that a receiver takes."""
_COUNTED = {State.DELIVERED: "delivered", State.DEAD_LETTERED: "dead_lettered"}


class Writes:
    """The statements over one connection. Not thread-safe: one thread owns it.

    Attributes:
        connection: For statements that have a module of their own, in the same transaction.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._counts: Counter[str] = Counter()

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()

    def flush_counters(self) -> None:
        """Write what was counted since the last flush; the last thing in every transaction."""
        self.connection.executemany(
            "UPDATE counters SET value = value + ? WHERE name = ?",
            [(count, name) for name, count in self._counts.items() if count],
        )
        self._counts.clear()

    def forget_counters(self) -> None:
        """Drop what was counted, because the transaction is rolled back."""
        self._counts.clear()

    def accept(self, acceptance: Acceptance) -> int:
        """Keep an event with its deliveries and its bookmark; its number is returned."""
        attributes = acceptance.event.attributes
        self.connection.execute(
            "INSERT INTO events (id, source, type, attributes, data, ttl, accepted_at, origin, cause)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                attributes["id"],
                attributes["source"],
                attributes["type"],
                json.dumps(dict(attributes), separators=(",", ":"), ensure_ascii=False),
                acceptance.event.data,
                acceptance.ttl,
                acceptance.at,
                acceptance.origin,
                acceptance.cause,
            ),
        )
        seq = self.connection.last_insert_rowid()
        for target in acceptance.targets:
            self.connection.execute(
                "INSERT INTO deliveries (event, edge, partition, position, due) VALUES (?, ?, ?, ?, ?)",
                (seq, target.edge, target.partition, self._advance(target), acceptance.at),
            )
        self._counts.update(accepted=1, deliveries=len(acceptance.targets), unmatched=not acceptance.targets)
        if acceptance.bookmark is not None:
            self.bookmark(*acceptance.bookmark)
        return seq

    def _advance(self, target: Target) -> int:
        rows = self._rows(
            "INSERT INTO ends VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET position = position + 1"
            " RETURNING position - 1",
            (target.edge, target.partition),
        )
        return int(rows[0][0])

    def bookmark(self, name: str, value: str | None) -> None:
        """Move a named position; None deletes it."""
        if value is None:
            self.connection.execute("DELETE FROM bookmarks WHERE name = ?", (name,))
        else:
            self.connection.execute(
                "INSERT INTO bookmarks VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value)
            )

    def lease(self, edge: str, *, limit: int, now: float, until: float) -> tuple[Lease, ...]:
        """Up to `limit` due deliveries of an edge, the longest due first, each leased until `until`."""
        return self._take(self._due(edge, limit=limit, now=now), until)

    def lease_batch(self, edge: str, *, limit: int, now: float, until: float) -> tuple[Lease, ...]:
        """The same, for one request: one that is to go alone, or others."""
        return self._take(_one_request(self._due(edge, limit=limit, now=now)), until)

    def _due(self, edge: str, *, limit: int, now: float) -> list[tuple[Any, ...]]:
        return self._rows(
            f"{_LEASABLE} AND d.due <= ? AND d.leased_until <= ? ORDER BY d.due, d.delivery LIMIT ?",
            (edge, now, now, limit),
        )

    def lease_in_order(self, edge: str, partition: int, *, limit: int, now: float, until: float) -> tuple[Lease, ...]:
        """The next deliveries of a partition in order, for one request: one that is to go alone, or others.

        Nothing while the first one is leased or not due yet.
        """
        rows = self._rows(
            f"{_LEASABLE} AND d.partition = ? ORDER BY d.position LIMIT ?",
            (edge, partition, limit),
        )
        ready: list[tuple[Any, ...]] = []
        for row in rows:
            if row[7] > now or row[8] > now:
                break
            ready.append(row)
        return self._take(_one_request(ready), until)

    def _take(self, rows: Sequence[tuple[Any, ...]], until: float) -> tuple[Lease, ...]:
        leases: list[Lease] = []
        size = 0
        for delivery, token, seq, attempts, stage, partition, failure, _due, _leased, reason, _ in rows:
            attributes, data, ttl, accepted_at = self._rows(
                "SELECT attributes, data, ttl, accepted_at FROM events WHERE seq = ?", (seq,)
            )[0]
            size += len(attributes) + len(data or b"")
            if leases and size > LEASED_BYTES:
                break
            self.connection.execute(
                "UPDATE deliveries SET leased_until = ?, token = ? WHERE delivery = ?", (until, token + 1, delivery)
            )
            known = json.loads(attributes)
            if stage == Stage.DEAD_LETTER_SINK and failure is not None:
                known |= json.loads(failure)
            leases.append(
                Lease(
                    delivery=delivery,
                    token=token + 1,
                    seq=seq,
                    event=Event(known, data),
                    attempts=attempts,
                    stage=Stage(stage),
                    partition=partition,
                    ttl=ttl,
                    reason=reason,
                    accepted_at=accepted_at,
                )
            )
        return tuple(leases)

    def settle(self, settlement: Settlement, *, now: float) -> int | None:
        """End a lease; the number of the reply is returned where there is one.

        Raises:
            LeaseLost: The token is not that of the delivery's last lease, or the delivery is already settled.
        """
        rows = self._rows(
            "SELECT token, state, stage, attempts FROM deliveries WHERE delivery = ?", (settlement.delivery,)
        )
        if not rows or rows[0][0] != settlement.token or rows[0][1] != State.PENDING:
            raise errors.LeaseLost(f"delivery {settlement.delivery} is no longer this worker's")
        attempts = 0 if settlement.stage != rows[0][2] else rows[0][3] + 1
        ended = settlement.state is not State.PENDING
        self.connection.execute(
            "UPDATE deliveries SET state = ?, stage = ?, attempts = ?, due = ?, leased_until = 0, token = token + 1,"
            " reason = ?, alone = max(alone, ?), failure = coalesce(?, failure), settled_at = ? WHERE delivery = ?",
            (
                settlement.state,
                settlement.stage,
                attempts,
                settlement.due,
                settlement.reason,
                settlement.alone,
                None if settlement.failure is None else json.dumps(settlement.failure),
                now if ended else None,
                settlement.delivery,
            ),
        )
        self._attempted(settlement.delivery, settlement.attempt)
        if ended:
            self._counts[_COUNTED[settlement.state]] += 1
        return self.accept(settlement.reply) if settlement.reply is not None else None

    def _attempted(self, delivery: int, attempt: Attempt) -> None:
        self.connection.execute(
            "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?)",
            (delivery, attempt.started_at, attempt.seconds, attempt.code, attempt.error, attempt.body),
        )

    def record(self, fate: Fate, *, now: float) -> int:
        """Keep an event whose one delivery has ended elsewhere; the delivery's number is returned."""
        seq = self.accept(fate.acceptance)
        ((delivery,),) = self._rows(
            "UPDATE deliveries SET state = ?, attempts = ?, reason = ?, settled_at = ? WHERE event = ?"
            " RETURNING delivery",
            (fate.state, len(fate.attempts), fate.reason, now, seq),
        )
        for attempt in fate.attempts:
            self._attempted(delivery, attempt)
        self._counts[_COUNTED[fate.state]] += 1
        return int(delivery)

    def next_due(self, edge: str) -> float | None:
        """When the next delivery of an edge can be leased, seconds since the epoch; None where none waits."""
        rows = self._rows("SELECT min(max(due, leased_until)) FROM deliveries WHERE edge = ? AND state = 0", (edge,))
        due: float | None = rows[0][0]
        return due

    def next_due_in_order(self, edge: str, partition: int) -> float | None:
        """When the first delivery of a partition can be leased; None where none waits."""
        rows = self._rows(
            "SELECT max(due, leased_until) FROM deliveries WHERE edge = ? AND partition = ? AND state = 0"
            " ORDER BY position LIMIT 1",
            (edge, partition),
        )
        due: float | None = rows[0][0] if rows else None
        return due

    def release_all(self) -> int:
        """Free every lease: a new process begins, so whoever held them is gone. Returns how many there were."""
        self.connection.execute("UPDATE deliveries SET leased_until = 0 WHERE state = 0 AND leased_until > 0")
        return self.connection.changes()

    def redrive(self, deliveries: Iterable[int] | None, known_edges: Collection[str], *, now: float) -> tuple[str, ...]:
        """Make dead letters (None: all of them) pending again, with their attempts anew; their edges are returned.

        Each goes alone from now on, or the batch that one of them spoiled would be formed again. Those of edges that
        the app no longer declares stay what they are: nobody would ever take them.
        """
        edges = []
        for delivery in self._dead(deliveries):
            ((edge,),) = self._rows("SELECT edge FROM deliveries WHERE delivery = ?", (delivery,))
            if edge not in known_edges:
                continue
            self.connection.execute(
                "UPDATE deliveries SET state = 0, stage = 0, attempts = 0, alone = 1, due = ?, reason = '',"
                " failure = NULL, settled_at = NULL WHERE delivery = ?",
                (now, delivery),
            )
            edges.append(str(edge))
        self._counts["dead_lettered"] -= len(edges)
        return tuple(edges)

    def purge(self, deliveries: Iterable[int] | None) -> int:
        """Take dead letters (None: all of them) off the list. The ledger still counts them."""
        dead = self._dead(deliveries)
        self.connection.executemany("UPDATE deliveries SET purged = 1 WHERE delivery = ?", [(one,) for one in dead])
        return len(dead)

    def _dead(self, deliveries: Iterable[int] | None) -> tuple[int, ...]:
        known = [
            row[0] for row in self.connection.execute("SELECT delivery FROM deliveries WHERE state = 2 AND purged = 0")
        ]
        wanted = None if deliveries is None else set(deliveries)
        return tuple(delivery for delivery in known if wanted is None or delivery in wanted)

    def abandon(self, known_edges: Iterable[str], *, now: float) -> int:
        """Dead-letter what waits for edges that the app no longer declares; how many is returned."""
        known = set(known_edges)
        gone = [
            row[0] for row in self._rows("SELECT DISTINCT edge FROM deliveries WHERE state = 0") if row[0] not in known
        ]
        abandoned = 0
        for edge in gone:
            self.connection.execute(
                "UPDATE deliveries SET state = 2, reason = ?, settled_at = ? WHERE state = 0 AND edge = ?",
                (f"{edge} is no longer part of the app", now, edge),
            )
            abandoned += self.connection.changes()
        self._counts["dead_lettered"] += abandoned
        return abandoned


def _one_request(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The first of these rows that may share a request: one that is to go alone, or all before the next such."""
    alone = next((number for number, row in enumerate(rows) if row[-1]), len(rows))
    return rows[: max(alone, 1)]
