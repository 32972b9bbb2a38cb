"""The outbox in a SQLite file that others write to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from patternapp import errors
from patternapp.spec import sources
from patternapp_services.outbox import changes, sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from patternapp_services.outbox.journal import Journal

Noted = tuple[str, Any, Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


def run(file: Path, *statements: str, values: tuple[Any, ...] = ()) -> None:
    """Run statements in one transaction, as a function of an app would."""
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement, values)


def watched(table: str = "stock", *operations: str) -> changes.Watched:
    wish = {"secretName": "shop-db", "table": table} | ({"operations": operations} if operations else {})
    return changes.watched(sources.Database.model_validate(wish), owner="dev/shop/event-driven.a", marker="m")


async def noted(journal: Journal) -> list[Noted]:
    """What was noted, without taking it."""
    async with journal.round(resting=()) as taken:
        found = sorted((change for turn in taken.turns for change in turn), key=lambda change: change.number)
    return [(one.operation, json.loads(one.before or "null"), json.loads(one.after or "null")) for one in found]


async def keys(journal: Journal) -> list[list[str]]:
    async with journal.round(resting=()) as taken:
        return [json.loads(change.key) for turn in taken.turns for change in turn]


async def test_what_is_committed_is_noted_and_what_is_rolled_back_is_not(file: Path) -> None:
    run(file, "CREATE TABLE stock (id INTEGER PRIMARY KEY, name TEXT)")
    async with sqlite.opened(file, watched()) as journal:
        await journal.prepare()

        run(file, "INSERT INTO stock VALUES (1, 'nut')", "UPDATE stock SET name = 'bolt'", "DELETE FROM stock")
        with pytest.raises(sqlite3.IntegrityError):
            run(file, "INSERT INTO stock VALUES (2, 'lost')", "INSERT INTO stock VALUES (2, 'twice')")

        nut, bolt = {"id": 1, "name": "nut"}, {"id": 1, "name": "bolt"}
        assert await noted(journal) == [("insert", None, nut), ("update", nut, bolt), ("delete", bolt, None)]
        assert journal.place == changes.Place(database="shop", schema="public", table="stock")


async def test_only_what_was_asked_for_is_noted(file: Path) -> None:
    run(file, "CREATE TABLE stock (id INTEGER PRIMARY KEY)")
    async with sqlite.opened(file, watched("stock", "delete")) as journal:
        await journal.prepare()

        run(file, "INSERT INTO stock VALUES (1)", "UPDATE stock SET id = 2", "DELETE FROM stock")

        assert await noted(journal) == [("delete", {"id": 2}, None)]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (7, 7),
        (2**62, 2**62),
        (1.5, 1.5),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        ('it\'s "quoted"\n', 'it\'s "quoted"\n'),
        (b"\x00\xff", "\\x00ff"),
    ],
)
async def test_a_value_is_noted_as_json_whatever_it_is(file: Path, value: object, written: object) -> None:
    run(file, "CREATE TABLE stock (value)")
    async with sqlite.opened(file, watched()) as journal:
        await journal.prepare()

        run(file, "INSERT INTO stock VALUES (?)", values=(value,))

        assert await noted(journal) == [("insert", None, {"value": written})]


async def test_names_with_quotes_and_generated_columns_are_noted(file: Path) -> None:
    run(file, 'CREATE TABLE "Stock" ("it\'s ""odd""" TEXT, {a} INT, twice INT AS (2 * {a}))'.replace("{a}", '"{a}"'))
    async with sqlite.opened(file, watched("public.stock")) as journal:
        await journal.prepare()

        run(file, "INSERT INTO \"Stock\" VALUES ('x', 3)")

        assert await noted(journal) == [("insert", None, {'it\'s "odd"': "x", "{a}": 3, "twice": 6})]


async def test_a_table_of_very_many_columns_is_noted(file: Path) -> None:
    names = [f"c{number}" for number in range(300)]
    run(file, f"CREATE TABLE stock ({', '.join(names)})")
    async with sqlite.opened(file, watched()) as journal:
        await journal.prepare()

        run(file, "INSERT INTO stock (c299) VALUES (1)")

        assert await noted(journal) == [("insert", None, dict.fromkeys(names) | {"c299": 1})]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ("a INT, b TEXT, c INT", []),
        ("a INT PRIMARY KEY, b TEXT, c INT", ["1"]),
        ("a INT, b TEXT, c INT, PRIMARY KEY (c, b)", ["3", "two"]),
        ("a INT, b TEXT, c INT, PRIMARY KEY (b, a)) WITHOUT ROWID --", ["two", "1"]),
    ],
)
async def test_the_key_is_the_primary_key_in_its_own_order(file: Path, columns: str, found: list[str]) -> None:
    run(file, f"CREATE TABLE stock ({columns}\n)" if "--" not in columns else f"CREATE TABLE stock ({columns}")
    async with sqlite.opened(file, watched()) as journal:
        await journal.prepare()

        run(file, "INSERT INTO stock VALUES (1, 'two', 3)")

        assert await keys(journal) == [found]


async def test_a_row_that_moves_waits_for_both_its_keys(file: Path) -> None:
    run(file, "CREATE TABLE stock (id INT PRIMARY KEY)")
    async with sqlite.opened(file, watched()) as journal:
        await journal.prepare()

        run(file, "INSERT INTO stock VALUES (1)", "UPDATE stock SET id = 2", "INSERT INTO stock VALUES (1)")

        assert [operation for operation, *_ in await noted(journal)] == ["insert"]


async def test_a_column_that_is_added_is_noted_from_the_next_look_on(file: Path) -> None:
    run(file, "CREATE TABLE stock (id INT PRIMARY KEY)")
    async with sqlite.opened(file, watched()) as journal:
        await journal.prepare()
        run(file, "ALTER TABLE stock ADD COLUMN name TEXT")

        await journal.prepare()

        run(file, "INSERT INTO stock VALUES (1, 'nut')")
        assert await noted(journal) == [("insert", None, {"id": 1, "name": "nut"})]


async def test_another_table_of_the_same_entry_is_noted_in_place_of_the_first(file: Path) -> None:
    run(file, "CREATE TABLE stock (id INT)", "CREATE TABLE goods (id INT)")
    for table in ("stock", "goods"):
        async with sqlite.opened(file, watched(table)) as journal:
            await journal.prepare()

    run(file, "INSERT INTO stock VALUES (1)", "INSERT INTO goods VALUES (2)")

    async with sqlite.opened(file, watched("goods")) as journal:
        assert await noted(journal) == [("insert", None, {"id": 2})]


async def test_what_is_done_is_gone_and_what_is_refused_stays_and_is_passed_over(file: Path) -> None:
    run(file, "CREATE TABLE stock (id INT PRIMARY KEY)")
    async with sqlite.opened(file, watched()) as journal:
        await journal.prepare()
        run(file, "INSERT INTO stock VALUES (1)", "INSERT INTO stock VALUES (2)", "INSERT INTO stock VALUES (3)")

        async with journal.round(resting=()) as taken:
            (first,), (second,), _ = taken.turns
            taken.done.append(first.number)
            taken.refused[second.number] = "too large"

        assert [after for _, _, after in await noted(journal)] == [{"id": 3}]
        figures = await journal.figures()
        assert (figures.pending, figures.refused) == (1, 1)
        assert figures.lag >= 0


async def test_nothing_is_removed_by_a_round_that_fails(file: Path) -> None:
    run(file, "CREATE TABLE stock (id INT PRIMARY KEY)")
    async with sqlite.opened(file, watched()) as journal:
        await journal.prepare()
        run(file, "INSERT INTO stock VALUES (1)")

        with contextlib.suppress(ZeroDivisionError):
            async with journal.round(resting=()) as taken:
                taken.done.append(taken.turns[0][0].number)
                raise ZeroDivisionError

        assert len(await noted(journal)) == 1


async def test_a_change_of_another_connection_ends_the_wait(file: Path) -> None:
    run(file, "CREATE TABLE stock (id INT PRIMARY KEY)")
    async with sqlite.opened(file, watched()) as journal, asyncio.timeout(60):
        await journal.prepare()
        assert await noted(journal) == []
        waiting = asyncio.create_task(journal.wait(1000))
        await asyncio.sleep(0)

        run(file, "INSERT INTO stock VALUES (1)")

        await waiting


@pytest.mark.parametrize(
    ("statement", "told"),
    [("CREATE TABLE other (id INT)", "no table stock yet"), ("CREATE VIEW stock AS SELECT 1", "no table stock yet")],
)
async def test_a_table_that_is_not_there_is_named(file: Path, statement: str, told: str) -> None:
    run(file, statement)

    async with sqlite.opened(file, watched()) as journal:
        with pytest.raises(errors.StoreError, match=told):
            await journal.prepare()


async def test_a_file_that_is_no_database_is_told_so(tmp_path: Path) -> None:
    async with sqlite.opened(_text_file(tmp_path), watched()) as journal:
        with pytest.raises(errors.StoreError, match="SQLite: file is not a database"):
            await journal.prepare()


def _text_file(folder: Path) -> Path:
    file = folder / "text.db"
    file.write_bytes(b"this is not a database" * 100)
    return file


@pytest.fixture(autouse=True)
def _no_file_left_open(file: Path) -> Iterator[None]:
    yield
    if file.is_file() and file.read_bytes()[:6] == b"SQLite":
        with contextlib.closing(sqlite3.connect(file, timeout=0)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
