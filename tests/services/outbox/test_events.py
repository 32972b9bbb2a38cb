"""The role `outbox` as the image runs it: what becomes an event, and what the event says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest
from harness import eventually

if TYPE_CHECKING:
    from services.outbox.rig import Rig


def test_an_insert_an_update_and_a_delete_become_events_in_their_order(rig: Rig) -> None:
    rig.ready(rig.reader())

    rig.run(
        "INSERT INTO stock VALUES (1, 'nut', 5)",
        "UPDATE stock SET amount = 4 WHERE id = 1",
        "DELETE FROM stock WHERE id = 1",
    )

    five, four = {"id": 1, "name": "nut", "amount": 5}, {"id": 1, "name": "nut", "amount": 4}
    rig.has(("inserted", None, five), ("updated", five, four), ("deleted", four, None))


def test_an_event_says_where_its_row_is_and_which_entry_asked_for_it(rig: Rig) -> None:
    rig.ready(rig.reader())

    rig.run("INSERT INTO stock VALUES (7, 'bolt', 1.10)")

    rig.broker.has({*eventually(lambda: rig.broker.ids)})
    ((event,),) = [call.events for call in rig.broker.calls]
    ((database,),) = rig.query("SELECT current_database()")
    data = json.loads(event["data"])
    assert event["type"] == "dev.patternapp.row.inserted"
    assert event["source"] == f"/databases/{database}/public.stock"
    assert (event["subject"], event["partitionkey"]) == ("7", "7")
    assert event["patternappsource"] == "event-driven.stock-row"
    assert event["time"].endswith("Z")
    assert b'"amount":1.10' in event["data"]
    assert data["op"] == "c"
    assert data["source"] == {"db": database, "schema": "public", "table": "stock", "txId": data["source"]["txId"]}
    assert isinstance(data["source"]["txId"], int)


def test_what_is_rolled_back_is_no_event(rig: Rig) -> None:
    rig.ready(rig.reader())

    with pytest.raises(psycopg.errors.UniqueViolation):
        rig.run("INSERT INTO stock VALUES (1)", "INSERT INTO stock VALUES (1)")
    rig.run("INSERT INTO stock VALUES (2)")

    rig.has(("inserted", None, {"id": 2, "name": None, "amount": None}))
