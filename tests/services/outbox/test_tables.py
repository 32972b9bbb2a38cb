"""The role `outbox` and the tables, rights and Secrets that it finds: what is wrong is named, and heals."""

from __future__ import annotations

import json
import secrets
import urllib.parse
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from harness import eventually
from psycopg import conninfo
from services.outbox import rig as rigs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.outbox.rig import Rig
    from services.programs import Service


def told(service: Service, text: str) -> None:
    """Wait until it is not ready for this reason."""

    def look() -> bool:
        status, _, body = service.get("/readyz")
        return status == 503 and text in json.loads(body)["status"]

    eventually(look)


def keys(rig: Rig) -> list[Any]:
    """The subjects of all events, as they are without the encoding of headers."""
    sent = [event.get("subject") for call in tuple(rig.broker.calls) for event in call.events]
    return [None if subject is None else urllib.parse.unquote(subject) for subject in sent]


@pytest.fixture
def role(rig: Rig) -> Iterator[str]:
    """A user of the server who may do nothing yet but log in."""
    name, password = f"reader_{secrets.token_hex(6)}", secrets.token_hex(8)
    rig.run(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    rig.address.write_text(rigs.url(conninfo.make_conninfo(rig.dsn, user=name, password=password)))
    yield name
    for reader in rig.readers:
        reader.program.stop()
    rig.run(f"DROP OWNED BY {name} CASCADE", f"DROP ROLE {name}")


def test_a_table_that_is_made_later_is_watched_then(rig: Rig) -> None:
    reader = rig.reader(table="public.goods")
    told(reader, "there is no table public.goods in the database test_")

    rig.run("CREATE TABLE goods (id int PRIMARY KEY)")
    rig.ready(reader)

    rig.run("INSERT INTO goods VALUES (1)")
    rig.has(("inserted", None, {"id": 1}))


def test_a_table_that_was_dropped_and_made_again_is_watched_again(rig: Rig) -> None:
    reader = rig.reader()
    rig.ready(reader)

    rig.run("DROP TABLE stock")
    told(reader, "there is no table public.stock")
    rig.run(rigs.STOCK)
    rig.ready(reader)

    rig.run("INSERT INTO stock VALUES (1)")
    rig.has(("inserted", None, {"id": 1, "name": None, "amount": None}))


def test_all_of_it_is_made_again_after_somebody_removed_it(rig: Rig) -> None:
    reader = rig.reader()
    rig.ready(reader)

    rig.run("DROP SCHEMA patternapp_outbox CASCADE")
    eventually(lambda: rig.query("SELECT to_regclass('patternapp_outbox.changes') IS NOT NULL") == [(True,)])
    eventually(lambda: rig.query("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'patternapp%'") == [(1,)])

    rig.run("INSERT INTO stock VALUES (1)")
    eventually(lambda: keys(rig) == ["1"])


def test_an_address_that_is_put_in_later_is_used_then(rig: Rig) -> None:
    address = rig.address.read_text()
    rig.address.unlink()
    reader = rig.reader()
    told(reader, "the Secret shop-db has no key url")

    rig.address.write_text(address)

    rig.ready(reader)


def test_a_wrong_password_is_told_without_showing_it(rig: Rig) -> None:
    password = str(conninfo.conninfo_to_dict(rig.dsn)["password"])
    rig.address.write_text(rigs.url(rig.dsn.replace(password, "hunter2")))

    reader = rig.reader()

    told(reader, "password authentication failed")
    assert "hunter2" not in reader.log.read_text()


def test_a_user_who_may_not_watch_the_table_is_told_which_right_is_missing(rig: Rig, role: str) -> None:
    reader = rig.reader()
    told(reader, "the reader's user wants TRIGGER on public.stock")

    rig.run(f"GRANT TRIGGER ON stock TO {role}", f"CREATE SCHEMA patternapp_outbox AUTHORIZATION {role}")
    rig.ready(reader)

    rig.run("INSERT INTO stock VALUES (1)")
    eventually(lambda: keys(rig) == ["1"])


def test_the_reader_needs_no_more_than_the_rights_that_are_documented(rig: Rig, role: str) -> None:
    ((database,),) = rig.query("SELECT current_database()")
    rig.run(f"GRANT TRIGGER ON stock TO {role}", f'GRANT CREATE ON DATABASE "{database}" TO {role}')
    rig.ready(rig.reader())

    rig.run("INSERT INTO stock VALUES (1, 'nut')", "UPDATE stock SET amount = 1", "DELETE FROM stock")

    eventually(lambda: keys(rig) == ["1", "1", "1"])
    assert rig.query(f"SELECT has_table_privilege('{role}', 'stock', 'SELECT')") == [(False,)]


def test_a_user_with_these_rights_alone_can_change_what_is_noted(rig: Rig, role: str) -> None:
    rig.run(f"GRANT TRIGGER ON stock TO {role}", f"CREATE SCHEMA patternapp_outbox AUTHORIZATION {role}")
    first = rig.reader(operations=["insert"])
    rig.ready(first)
    first.program.stop()

    rig.ready(rig.reader(operations=["delete"]))

    rig.run("INSERT INTO stock VALUES (1)", "DELETE FROM stock")
    rig.has(("deleted", {"id": 1, "name": None, "amount": None}, None))


def test_a_key_column_that_is_renamed_stops_nobody_and_is_known_again_after_a_look(rig: Rig) -> None:
    rig.ready(rig.reader())

    rig.run("ALTER TABLE stock RENAME COLUMN id TO number", "INSERT INTO stock VALUES (1)")
    rig.has(("inserted", None, {"number": 1, "name": None, "amount": None}))

    known = "SELECT count(*) FROM pg_proc WHERE proname LIKE 'patternapp_stock_row%' AND prosrc LIKE '%NEW.\"number\"%'"
    eventually(lambda: rig.query(known) == [(1,)])
    rig.run("INSERT INTO stock VALUES (2)")
    eventually(lambda: keys(rig) == [None, "2"])


def test_whoever_writes_to_the_table_needs_no_right_on_the_outbox(rig: Rig) -> None:
    rig.ready(rig.reader())
    writer = f"writer_{secrets.token_hex(6)}"
    rig.run(f"CREATE ROLE {writer}", f"GRANT INSERT ON stock TO {writer}")

    rig.run(f"SET ROLE {writer}", "INSERT INTO stock VALUES (1)")

    eventually(lambda: keys(rig) == ["1"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rig.run(f"SET ROLE {writer}", "SELECT * FROM patternapp_outbox.changes")
    rig.run(f"DROP OWNED BY {writer}", f"DROP ROLE {writer}")


def test_only_the_operations_that_are_asked_for_become_events(rig: Rig) -> None:
    rig.ready(rig.reader(operations=["update"]))

    rig.run("INSERT INTO stock VALUES (1)", "UPDATE stock SET name = 'nut'", "DELETE FROM stock")

    row = {"id": 1, "name": None, "amount": None}
    rig.has(("updated", row, row | {"name": "nut"}))
    rig.emptied()


def test_a_changed_configuration_changes_the_trigger(rig: Rig) -> None:
    first = rig.reader()
    rig.ready(first)
    first.program.stop()
    rig.run("CREATE TABLE goods (id int PRIMARY KEY)")

    rig.ready(rig.reader(table="goods", operations=["insert"]))

    rig.run("INSERT INTO stock VALUES (1)", "INSERT INTO goods VALUES (2)", "DELETE FROM goods")
    rig.has(("inserted", None, {"id": 2}))
    rig.emptied()


def test_two_entries_of_one_table_get_every_change_each(rig: Rig) -> None:
    for entry in ("stock-row", "audit"):
        rig.ready(rig.reader(marker=f"event-driven.{entry}"))

    rig.run("INSERT INTO stock VALUES (1)")

    eventually(lambda: len(rig.sent()) == 2)
    sources = {event["patternappsource"] for call in rig.broker.calls for event in call.events}
    assert sources == {"event-driven.stock-row", "event-driven.audit"}
    assert rig.times() == {1: 2}


def test_a_row_that_takes_another_row_s_key_comes_after_that_one_left_it(rig: Rig) -> None:
    rig.run("INSERT INTO stock VALUES (1, 'nut'), (2, 'bolt')")
    rig.ready(rig.reader())

    rig.run(
        "UPDATE stock SET amount = 1 WHERE id = 2",
        "DELETE FROM stock WHERE id = 2",
        "UPDATE stock SET id = 2 WHERE id = 1",
        "INSERT INTO stock VALUES (1, 'new')",
    )

    nut, bolt = {"id": 1, "name": "nut", "amount": None}, {"id": 2, "name": "bolt", "amount": None}
    rig.has(
        ("updated", bolt, bolt | {"amount": 1}),
        ("deleted", bolt | {"amount": 1}, None),
        ("updated", nut, nut | {"id": 2}),
        ("inserted", None, {"id": 1, "name": "new", "amount": None}),
    )


def test_rows_of_a_table_without_a_key_come_in_the_table_s_order(rig: Rig) -> None:
    rig.run("CREATE TABLE log (line int)")
    rig.ready(rig.reader(table="log"))

    rig.run("INSERT INTO log SELECT * FROM generate_series(1, 25)")

    rig.has(*[("inserted", None, {"line": line}) for line in range(1, 26)])
    assert set(keys(rig)) == {None}


def test_a_key_of_several_columns_is_the_subject_in_its_own_order(rig: Rig) -> None:
    rig.run("CREATE TABLE places (shelf int, hall text, PRIMARY KEY (hall, shelf))")
    rig.ready(rig.reader(table="places"))

    rig.run("INSERT INTO places VALUES (7, 'a/b')")

    eventually(lambda: keys(rig) == ["a%2Fb/7"])


@pytest.mark.parametrize("table", ['"Keeping"."Items"', "keeping.items"])
def test_a_table_is_found_as_it_is_written_or_as_postgresql_would_read_it(rig: Rig, table: str) -> None:
    rig.run(f"CREATE SCHEMA {table.partition('.')[0]}", f"CREATE TABLE {table} (id int PRIMARY KEY)")
    rig.ready(rig.reader(table="Keeping.Items"))

    rig.run(f"INSERT INTO {table} VALUES (1)")  # noqa: S608 - a test's own words

    rig.has(("inserted", None, {"id": 1}))


def test_rows_of_a_partitioned_table_are_the_table_s(rig: Rig) -> None:
    rig.run(
        "CREATE TABLE sales (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM (0) TO (10)",
    )
    rig.ready(rig.reader(table="sales"))
    rig.run("CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM (10) TO (20)")

    rig.run("INSERT INTO sales VALUES (1), (11)")

    eventually(lambda: sorted(keys(rig)) == ["1", "11"])
    assert {event["source"].rpartition("/")[2] for call in rig.broker.calls for event in call.events} == {
        "public.sales"
    }


def test_a_view_is_told_from_a_table(rig: Rig) -> None:
    rig.run("CREATE VIEW seen AS SELECT * FROM stock")

    told(rig.reader(table="seen"), "seen is no table")


def test_values_that_json_has_no_word_for_do_not_break_the_writer(rig: Rig) -> None:
    rig.run("CREATE TABLE odd (id int PRIMARY KEY, f float8, n numeric, t timestamptz, b bytea, j json, a int[])")
    rig.ready(rig.reader(table="odd"))

    rig.run(
        "INSERT INTO odd VALUES (1, 'NaN', 'Infinity', 'infinity', '\\x00ff', "
        """'{"a": "\\u0000", "b": 1e999}', '{1}')"""
    )

    eventually(lambda: keys(rig) == ["1"])
    ((event,),) = [call.events for call in rig.broker.calls]
    assert (
        b'"after":{"id":1,"f":"NaN","n":"Infinity","t":"infinity","b":"\\\\x00ff",'
        b'"j":{"a": "\\u0000", "b": 1e999},"a":[1]}' in event["data"]
    )


def test_a_table_that_others_hold_is_waited_for_and_named(rig: Rig) -> None:
    with psycopg.connect(rig.dsn) as holding:
        holding.execute("LOCK TABLE stock IN ACCESS EXCLUSIVE MODE")
        reader = rig.reader()
        told(reader, "others hold the table public.stock")

    rig.ready(reader)
