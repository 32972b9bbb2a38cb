"""What a change of a row is, and the event that it becomes.

What holds here:

* The id is the database's, given when the change was noted: sent again, it is the same event.
* The data is the envelope that Debezium made known: ``op`` (c, u, d), ``before``, ``after``, ``source``, ``ts_ms``.
  Rows are the database's own JSON, passed on as they are: no number loses a digit.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp.cloudevents import Event, check
from patternapp.plan import model

if TYPE_CHECKING:
    import datetime as dt

    from patternapp.spec import sources

LARGEST = 1024 * 1024
"""Bytes of the rows of one change, as Knative's Brokers take them."""
_KINDS: dict[sources.Operation, tuple[str, str]] = {
    "insert": ("dev.patternapp.row.inserted", "c"),
    "update": ("dev.patternapp.row.updated", "u"),
    "delete": ("dev.patternapp.row.deleted", "d"),
}
_PLAIN = " !\"#$&'()*+,:;<=>?@[\\]^`{|}"
"""What a subject shows as it is, beside letters, digits and ``-._~``; the rest is percent-encoded."""


class UnsendableError(errors.PatternAppError):
    """No Broker would take the change as an event; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An entry of an app, and the table it asked for.

    Attributes:
        owner: Names the entry in the database, and nobody else's: ``<namespace>/<app>/<marker>``.
        marker: Put on every event as the extension `patternappsource`.
        schema: The table's schema; None for where the database finds it.
        table: The table.
        operations: What is noted.
    """

    owner: str
    marker: str
    schema: str | None
    table: str
    operations: tuple[sources.Operation, ...]

    @property
    def name(self) -> str:
        """The table as a person wrote it."""
        return self.table if self.schema is None else f"{self.schema}.{self.table}"

    @property
    def trigger(self) -> str:
        """The name of the trigger of this entry: readable, and no other entry's."""
        readable = re.sub(r"\W", "_", self.owner.rpartition(".")[2])[:40]
        return f"patternapp_{readable}_{hashlib.sha256(self.owner.encode()).hexdigest()[:8]}"


def watched(database: sources.Database, *, owner: str, marker: str) -> Watched:
    """What is watched for a database of the resource."""
    schema, _, table = database.table.rpartition(".")
    return Watched(owner=owner, marker=marker, schema=schema or None, table=table, operations=database.operations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a table was found: the names of database, schema and table."""

    database: str
    schema: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change as the outbox has it.

    Attributes:
        number: Its place in the order of changes; one row's changes are numbered as they were committed.
        id: The event's.
        key: The values of the primary key, a JSON list; empty for a table without one.
        before: The row as it was, JSON; None where it was not, or is longer than `LARGEST`.
        after: The row as it is, likewise.
        size: Bytes of both.
        at: When it was made, before its transaction was committed.
        transaction: PostgreSQL's number of the transaction; None where a database has none.
    """

    number: int
    id: str
    operation: sources.Operation
    key: str
    before: str | None
    after: str | None
    size: int
    at: dt.datetime
    transaction: int | None


def event(change: Change, place: Place, *, marker: str) -> Event[bytes | None]:
    """The event of a change.

    Raises:
        UnsendableError: It is too large, or its key cannot be an attribute.
    """
    if change.size > LARGEST:
        raise UnsendableError(f"the change has {change.size} bytes, and Brokers take {LARGEST}")
    kind, op = _KINDS[change.operation]
    table = f"{place.schema}.{place.table}"
    subject = "/".join(urllib.parse.quote(value, safe=_PLAIN) for value in _values(change.key))
    attributes: dict[str, str | int | bool] = {
        "specversion": "1.0",
        "id": change.id,
        "source": f"/databases/{urllib.parse.quote(place.database)}/{urllib.parse.quote(table)}",
        "type": kind,
        "time": change.at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        # What has no key has one order: the table's.
        "partitionkey": subject or table,
        model.SOURCE_ATTRIBUTE: marker,
    }
    if subject:
        attributes["subject"] = subject
    try:
        check(attributes)
    except errors.CloudEventError as error:
        raise UnsendableError(f"the change makes no event: {error}") from None
    return Event(attributes, _data(change, place, op).encode())


def _values(key: str) -> list[str]:
    """The values of a key as text, numbers with every digit."""
    values = json.loads(key, parse_int=str, parse_float=str)
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


def _data(change: Change, place: Place, op: str) -> str:
    """The envelope, put together as text around the rows."""
    origin = {"db": place.database, "schema": place.schema, "table": place.table, "txId": change.transaction}
    return (
        f'{{"op":"{op}","before":{change.before or "null"},"after":{change.after or "null"},'
        f'"source":{json.dumps(origin)},"ts_ms":{int(change.at.timestamp() * 1000)}}}'
    )
