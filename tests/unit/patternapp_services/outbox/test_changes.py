"""The event of a change."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest

from patternapp.spec import sources
from patternapp_services.outbox import changes

PLACE = changes.Place(database="shop", schema="public", table="stock")
CHANGE = changes.Change(
    number=3,
    id="5c1e",
    operation="update",
    key='["7"]',
    before='{"id":7,"price":1.10}',
    after='{"id":7,"price":1.20}',
    size=42,
    at=dt.datetime(2026, 9, 21, 14, 13, 20, 500_000, dt.UTC),
    transaction=99,
)


def attributes(**different: object) -> dict[str, object]:
    change = dataclasses.replace(CHANGE, **different)  # type: ignore[arg-type]  # a test's own words
    return dict(changes.event(change, PLACE, marker="event-driven.stock-row").attributes)


def test_a_change_is_an_event_of_its_table_about_its_row() -> None:
    assert attributes() == {
        "specversion": "1.0",
        "id": "5c1e",
        "source": "/databases/shop/public.stock",
        "type": "dev.patternapp.row.updated",
        "subject": "7",
        "partitionkey": "7",
        "time": "2026-09-21T14:13:20.500000Z",
        "datacontenttype": "application/json",
        "patternappsource": "event-driven.stock-row",
    }


def test_the_data_is_debezium_s_envelope_with_rows_as_the_database_wrote_them() -> None:
    data = changes.event(CHANGE, PLACE, marker="m").data or b""

    assert b'"before":{"id":7,"price":1.10},"after":{"id":7,"price":1.20}' in data
    assert json.loads(data) == {
        "op": "u",
        "before": {"id": 7, "price": 1.1},
        "after": {"id": 7, "price": 1.2},
        "source": {"db": "shop", "schema": "public", "table": "stock", "txId": 99},
        "ts_ms": 1790000000500,
    }


@pytest.mark.parametrize(
    ("key", "subject"),
    [
        ('["7"]', "7"),
        ("[7, 1.10, true]", "7/1.10/true"),
        ('["eu", "7"]', "eu/7"),
        ('["a/b", "100%"]', "a%2Fb/100%25"),
        ('["new\\nline"]', "new%0Aline"),
        ('["gr\\u00fcn"]', "gr%C3%BCn"),
        ('["a@example.com"]', "a@example.com"),
    ],
)
def test_the_subject_is_the_key_and_fit_for_a_header(key: str, subject: str) -> None:
    assert attributes(key=key)["subject"] == subject


def test_a_row_without_a_key_has_no_subject_and_its_table_s_order() -> None:
    known = attributes(key="[]")

    assert "subject" not in known
    assert known["partitionkey"] == "public.stock"


def test_a_change_that_is_too_large_for_a_broker_is_no_event() -> None:
    with pytest.raises(changes.UnsendableError, match="1048577 bytes"):
        attributes(size=changes.LARGEST + 1)


def test_a_key_that_is_too_long_for_headers_is_no_event() -> None:
    with pytest.raises(changes.UnsendableError, match="longer than"):
        attributes(key=json.dumps(["x" * 70_000]))


@pytest.mark.parametrize(
    ("table", "schema", "name"), [("public.stock", "public", "public.stock"), ("stock", None, "stock")]
)
def test_a_table_is_watched_as_it_was_written(table: str, schema: str | None, name: str) -> None:
    database = sources.Database.model_validate({"secretName": "shop-db", "table": table})

    watched = changes.watched(database, owner="here/shop/event-driven.a", marker="event-driven.a")

    assert (watched.schema, watched.name) == (schema, name)


def test_entries_with_long_names_have_triggers_of_their_own() -> None:
    database = sources.Database.model_validate({"secretName": "shop-db", "table": "stock"})
    names = {
        changes.watched(database, owner=f"{space}/shop/event-driven.{'long-' * 12}{end}", marker="m").trigger
        for space in ("blue", "green")
        for end in ("a", "b")
    }

    assert len(names) == 4
    assert all(len(name) <= 63 and name.startswith("patternapp_long_long_") for name in names)
