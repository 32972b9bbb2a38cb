"""Databases as `dev` reads them: rows change, functions are called."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from harness import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Dev

SPEC = """
functions:
  - {name: stock, handler: stock:app}
eventDriven:
  - name: stock-row
    source: {database: {secretName: shop-db, table: public.stock}}
    function: stock
"""
STOCK = """
import json
import pathlib
from cloudevents.core.v1.event import CloudEvent
from patternapp.receiver import Receiver

app = Receiver()


@app.on()
async def changed(change: dict, event: CloudEvent) -> None:
    with pathlib.Path("changes").open("a") as file:
        file.write(json.dumps([event.get_type(), event.get_subject(), change["before"], change["after"]]) + "\\n")
"""


def changes(dev: Dev) -> list[Any]:
    """What the function was called with; its own calls are many at once, so sorted."""
    file = dev.folder / "changes"
    lines = file.read_text().splitlines() if file.exists() else []
    return sorted((json.loads(line) for line in lines), key=str)


def address(dev: Dev, url: str) -> None:
    """Put the Secret where `dev` looks for it."""
    file = dev.data / "secrets" / "shop-db" / "url"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{url}\n")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.component("postgres"))])
def run(request: pytest.FixtureRequest, dev: Dev) -> Callable[[str], None]:
    """Runs a statement in the database of this test, whose address is in the Secret."""
    dev.write(SPEC, stock=STOCK)
    if request.param == "sqlite":
        address(dev, "sqlite:///shop.db")

        def execute(statement: str) -> None:
            with contextlib.closing(sqlite3.connect(dev.folder / "shop.db")) as connection, connection:
                connection.execute(statement)

        return execute
    dsn: str = request.getfixturevalue("postgres_dsn")
    with psycopg.connect(dsn) as connection:
        info = connection.info
        address(dev, f"postgresql+psycopg://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}")

    def execute_there(statement: str) -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute(statement.encode())

    return execute_there


def watched(dev: Dev) -> None:
    eventually(lambda: "source/stock-row: changes of public.stock become events" in dev.log())


def test_a_row_s_changes_call_the_function(dev: Dev, run: Callable[[str], None]) -> None:
    run("CREATE TABLE stock (id INTEGER PRIMARY KEY, name TEXT)")
    dev.start()
    watched(dev)

    run("INSERT INTO stock VALUES (7, 'nut')")
    run("UPDATE stock SET name = 'bolt'")
    run("DELETE FROM stock")

    eventually(lambda: len(changes(dev)) == 3)
    nut, bolt = {"id": 7, "name": "nut"}, {"id": 7, "name": "bolt"}
    assert changes(dev) == [
        ["dev.patternapp.row.deleted", "7", bolt, None],
        ["dev.patternapp.row.inserted", "7", None, nut],
        ["dev.patternapp.row.updated", "7", nut, bolt],
    ]
    assert dev.settled()["delivered"] == 3


def test_changes_that_were_made_while_dev_was_down_are_found_by_the_next(dev: Dev, run: Callable[[str], None]) -> None:
    run("CREATE TABLE stock (id INTEGER PRIMARY KEY)")
    dev.start()
    watched(dev)
    dev.stop()

    run("INSERT INTO stock VALUES (1)")
    dev.start()

    eventually(lambda: changes(dev) == [["dev.patternapp.row.inserted", "1", None, {"id": 1}]])


def test_what_is_missing_is_told_and_mended_without_a_restart(dev: Dev, run: Callable[[str], None]) -> None:
    url = (dev.data / "secrets" / "shop-db" / "url").read_text().strip()
    (dev.data / "secrets" / "shop-db" / "url").unlink()
    dev.start()
    eventually(lambda: f"put it into {dev.data}/secrets/shop-db/url, such as sqlite:///shop.db" in dev.log())

    run("CREATE TABLE other (id INTEGER)")
    address(dev, url)
    eventually(lambda: "no table" in dev.log())
    run("CREATE TABLE stock (id INTEGER PRIMARY KEY)")
    watched(dev)

    run("INSERT INTO stock VALUES (1)")
    eventually(lambda: len(changes(dev)) == 1)


def test_nothing_is_lost_when_dev_is_killed(dev: Dev, run: Callable[[str], None]) -> None:
    run("CREATE TABLE stock (id INTEGER PRIMARY KEY)")
    dev.start()
    watched(dev)

    for number in range(1, 61):
        run(f"INSERT INTO stock VALUES ({number})")  # noqa: S608 - a test's own words
        if number % 20 == 0:
            dev.kill()
            dev.start()

    eventually(lambda: {change[1] for change in changes(dev)} == {str(number) for number in range(1, 61)})
