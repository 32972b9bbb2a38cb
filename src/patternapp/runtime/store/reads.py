"""Everything that only looks: the ledger, the event list, an event's timeline, dead letters, lags.

Results are plain JSON values in the shapes of the control API (``docs/control-api.md``).
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from patternapp.runtime import clock
from patternapp.runtime.store.records import Ledger, State

if TYPE_CHECKING:
    import apsw

_STATES = {State.PENDING: "pending", State.DELIVERED: "delivered", State.DEAD_LETTERED: "dead_lettered"}
_EVENT = "SELECT seq, id, source, type, attributes, data, accepted_at, origin, cause FROM events"


class Reads:
    """The queries over one connection that cannot write. Not thread-safe: one thread owns it.

    Attributes:
        connection: For queries that have a module of their own.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()

    def ledger(self) -> Ledger:
        """Where every accepted event went, as of one instant."""
        with self.connection:  # one snapshot for both statements
            counters = dict(self._rows("SELECT name, value FROM counters"))
            pending = self._rows("SELECT count(*) FROM deliveries INDEXED BY deliveries_pending WHERE state = 0")[0][0]
        return Ledger(**counters, pending=pending)

    def bookmarks(self, prefix: str) -> dict[str, str]:
        """The bookmarks whose names begin so."""
        return dict(
            self._rows(
                "SELECT name, value FROM bookmarks WHERE name >= ? AND name < ?", (prefix, prefix + "\U0010ffff")
            )
        )

    def ready(self, edge: str, *, now: float, up_to: int) -> tuple[int, float | None, float | None]:
        """How many deliveries of an edge could be leased now, counted up to `up_to`.

        Also since when the oldest of them waits; and where there are none, when the next one can be leased.
        """
        count, oldest = self._rows(
            "SELECT count(*), min(accepted_at) FROM (SELECT e.accepted_at FROM deliveries d"
            " JOIN events e ON e.seq = d.event"
            " WHERE d.edge = ?1 AND d.state = 0 AND d.due <= ?2 AND d.leased_until <= ?2 LIMIT ?3)",
            (edge, now, up_to),
        )[0]
        if count:
            return count, oldest, None
        rows = self._rows("SELECT min(max(due, leased_until)) FROM deliveries WHERE edge = ? AND state = 0", (edge,))
        return 0, None, rows[0][0]

    def ready_in_order(self, edge: str, *, up_to: int) -> list[tuple[int, int, float]]:
        """The partitions that hold something: number, how much (up to `up_to`), and since when the first."""
        return [
            (partition, count, since)
            for partition, count, since in self._rows(
                "SELECT n.partition, (SELECT count(*) FROM (SELECT 1 FROM deliveries d WHERE d.edge = n.edge"
                " AND d.partition = n.partition AND d.state = 0 LIMIT ?2)), (SELECT e.accepted_at FROM deliveries d"
                " JOIN events e ON e.seq = d.event WHERE d.edge = n.edge AND d.partition = n.partition AND d.state = 0"
                " ORDER BY d.position LIMIT 1) FROM ends n WHERE n.edge = ?1",
                (edge, up_to),
            )
            if count
        ]

    def queue(self, edge: str, *, now: float) -> dict[str, Any]:
        """A queue's depth, in the shape of ``/api/queues``."""
        waiting, leased, delayed, oldest = self._rows(
            "SELECT count(*) FILTER (WHERE d.due <= ?1 AND d.leased_until <= ?1),"
            " count(*) FILTER (WHERE d.leased_until > ?1),"
            " count(*) FILTER (WHERE d.due > ?1 AND d.leased_until <= ?1), min(e.accepted_at)"
            " FROM deliveries d JOIN events e ON e.seq = d.event WHERE d.edge = ?2 AND d.state = 0",
            (now, edge),
        )[0]
        dead = self._rows("SELECT count(*) FROM deliveries WHERE edge = ? AND state = 2 AND purged = 0", (edge,))[0][0]
        return {
            "waiting": waiting,
            "leased": leased,
            "delayed": delayed,
            "deadLettered": dead,
            "oldestSeconds": None if oldest is None else round(now - oldest, 3),
        }

    def partitions(self, edge: str) -> list[dict[str, int]]:
        """A stream's partitions: the end, the committed offset, and the lag between them."""
        rows = self._rows(
            "SELECT n.partition, n.position, coalesce((SELECT min(d.position) FROM deliveries d WHERE d.edge = n.edge"
            " AND d.partition = n.partition AND d.state = 0), n.position) FROM ends n WHERE n.edge = ? ORDER BY 1",
            (edge,),
        )
        return [{"partition": one, "end": end, "committed": done, "lag": end - done} for one, end, done in rows]

    def events(self, *, limit: int, after: int | None, type_: str | None) -> list[dict[str, Any]]:
        """Events with their deliveries, oldest first: the first `limit` after a number, or the newest ones."""
        direction = "ASC" if after is not None else "DESC"
        rows = self._rows(
            f"{_EVENT} WHERE seq > ? AND (? IS NULL OR type = ?) ORDER BY seq {direction} LIMIT ?",
            (after or 0, type_, type_, limit),
        )
        return [self._summary(row) for row in sorted(rows)]

    def event(self, seq: int) -> dict[str, Any] | None:
        """One event with its data, every attempt at every delivery, what functions printed, and its replies."""
        rows = self._rows(f"{_EVENT} WHERE seq = ?", (seq,))
        if not rows:
            return None
        known = self._summary(rows[0])
        for delivery in known["deliveries"]:
            delivery["attempts"] = self._attempts(delivery["delivery"])
        logs = self._rows("SELECT at, function, stream, line FROM logs WHERE event = ? ORDER BY rowid", (seq,))
        replies = self._rows("SELECT seq FROM events WHERE cause = ? ORDER BY seq", (seq,))
        return {
            **known,
            "attributes": json.loads(rows[0][4]),
            **_data(rows[0][5]),
            "logs": [
                {"at": clock.rfc3339(at), "function": function, "stream": stream, "line": line}
                for at, function, stream, line in logs
            ],
            "replies": [row[0] for row in replies],
        }

    def dead_letters(self) -> list[dict[str, Any]]:
        """The dead letters that were not purged, oldest first."""
        rows = self._rows(
            "SELECT d.delivery, e.seq, e.id, e.source, e.type, d.edge, d.reason, d.settled_at,"
            " (SELECT code FROM attempts a WHERE a.delivery = d.delivery ORDER BY a.rowid DESC LIMIT 1),"
            " (SELECT count(*) FROM attempts a WHERE a.delivery = d.delivery)"
            " FROM deliveries d JOIN events e ON e.seq = d.event WHERE d.state = 2 AND d.purged = 0 ORDER BY d.delivery"
        )
        return [
            {
                "delivery": delivery,
                "event": seq,
                "id": id_,
                "source": source,
                "type": type_,
                "edge": edge,
                "reason": reason,
                "code": code,
                "attempts": attempts,
                "at": clock.rfc3339(at),
            }
            for delivery, seq, id_, source, type_, edge, reason, at, code, attempts in rows
        ]

    def _summary(self, row: tuple[Any, ...]) -> dict[str, Any]:
        seq, id_, source, type_, attributes, _data, accepted_at, origin, cause = row
        known = json.loads(attributes)
        deliveries = self._rows(
            "SELECT delivery, edge, state, attempts, reason FROM deliveries WHERE event = ? ORDER BY delivery", (seq,)
        )
        return {
            "seq": seq,
            "id": id_,
            "source": source,
            "type": type_,
            "subject": known.get("subject"),
            "time": known.get("time"),
            "acceptedAt": clock.rfc3339(accepted_at),
            "origin": origin,
            "cause": cause,
            "deliveries": [
                {
                    "delivery": number,
                    "edge": edge,
                    "state": _STATES[State(state)],
                    "attempts": attempts,
                    "reason": reason,
                }
                for number, edge, state, attempts, reason in deliveries
            ],
        }

    def _attempts(self, delivery: int) -> list[dict[str, Any]]:
        rows = self._rows(
            "SELECT started_at, seconds, code, error, body FROM attempts WHERE delivery = ? ORDER BY rowid", (delivery,)
        )
        return [
            {
                "number": number,
                "startedAt": clock.rfc3339(started_at),
                "seconds": round(seconds, 6),
                "code": code,
                "error": error,
                "body": (body or b"").decode(errors="replace"),
            }
            for number, (started_at, seconds, code, error, body) in enumerate(rows, 1)
        ]


def _data(data: bytes | None) -> dict[str, Any]:
    """The payload as JSON where it is JSON, as text where it is text, else as base64."""
    if data is None:
        return {"data": None}
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"dataBase64": base64.b64encode(data).decode()}
    try:
        return {"data": json.loads(text)}
    except ValueError:
        return {"data": text}
