"""An outbox reader beside a real PostgreSQL, with a Broker and a dead-letter sink that a test tells what to answer."""

from __future__ import annotations

import collections
import contextlib
import json
from typing import TYPE_CHECKING, Any

import psycopg
from harness import eventually
from psycopg import conninfo
from services.functions import Answer, Function
from services.programs import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TAKEN: Answer = (202, b"")
STOCK = "CREATE TABLE stock (id int PRIMARY KEY, name text, amount numeric)"
Row = tuple[str, Any, Any]
"""What happened to a row: the operation, and the row before and after."""


class Rig:
    """The database, the Broker, the sink and the readers of a test."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.folder = folder
        self.broker = Function()
        self.broker.answer = lambda _: TAKEN
        self.dead_letters = Function()
        self.dead_letters.answer = lambda _: TAKEN
        self.address = folder / "secrets" / "shop-db" / "url"
        self.address.parent.mkdir(parents=True)
        self.address.write_text(url(dsn))
        self.readers: list[Service] = []

    def reader(self, *, started: bool = True, sink: str | None = None, **config: Any) -> Service:
        """One more reader of the table `stock`; it sends to the Broker, or to another sink."""
        known = {
            "app": "shop",
            "marker": "event-driven.stock-row",
            "secretName": "shop-db",
            "table": "public.stock",
            "operations": ["insert", "update", "delete"],
            "deadLetter": {"uri": self.dead_letters.url},
        }
        service = Service(
            "outbox", known | config, folder=self.folder, env={"K_SINK": self.broker.url if sink is None else sink}
        )
        self.readers.append(service)
        if started:
            service.start()
        return service

    def ready(self, service: Service) -> None:
        """Wait until it notes changes and sends them."""
        eventually(lambda: service.get("/readyz")[0] == 200)

    def run(self, *statements: str) -> None:
        """Run statements in one transaction."""
        with psycopg.connect(self.dsn) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def query(self, statement: str) -> Sequence[Any]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement.encode()).fetchall()

    def sent(self) -> list[Row]:
        """What the Broker took, in its order."""
        return [change(event) for call in tuple(self.broker.calls) for event in call.events]

    def has(self, *wanted: Row) -> None:
        """Wait until the Broker has been sent exactly these, in this order."""
        eventually(lambda: len(self.sent()) >= len(wanted), within=60)
        assert self.sent() == list(wanted)

    def sends(self, count: int) -> None:
        """Wait until it has sent so many more."""
        wanted = len(self.broker.calls) + count
        eventually(lambda: len(self.broker.calls) >= wanted)

    def emptied(self) -> None:
        """Wait until nothing waits in the outbox."""
        eventually(
            lambda: self.query("SELECT count(*) FROM patternapp_outbox.changes WHERE refused IS NULL")[0][0] == 0
        )

    def times(self) -> collections.Counter[int]:
        """How often each event came."""
        return collections.Counter(self.broker.counted().values())


def change(event: dict[str, Any]) -> Row:
    data = json.loads(event["data"])
    return event["type"].rpartition(".")[2], data["before"], data["after"]


def url(dsn: str) -> str:
    """The same address as a URL."""
    known = conninfo.conninfo_to_dict(dsn)
    return f"postgresql://{known['user']}:{known['password']}@{known['host']}:{known['port']}/{known['dbname']}"


@contextlib.contextmanager
def running(dsn: str, folder: Path) -> Iterator[Rig]:
    rig = Rig(dsn, folder)
    rig.broker.start()
    rig.dead_letters.start()
    try:
        yield rig
    finally:
        for reader in rig.readers:
            reader.program.stop()
        rig.broker.stop()
        rig.dead_letters.stop()
