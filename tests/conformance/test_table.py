"""The rows and what was seen of them belong together."""

from __future__ import annotations

import collections

import pytest
from conformance import table
from conformance.rows import KEY_LIMIT, SOURCES


def test_no_two_rows_share_a_key_and_every_key_can_be_in_a_name() -> None:
    keys = [row.key for row in table.ROWS]

    assert [key for key, number in collections.Counter(keys).items() if number > 1] == []
    assert max(map(len, keys)) <= KEY_LIMIT


@pytest.mark.parametrize("broker", table.BROKERS)
def test_every_row_was_seen_against_every_broker(broker: str) -> None:
    assert set(table.results(broker)) == {row.key for row in table.ROWS}


def test_whoever_does_otherwise_has_a_reason_and_no_reason_is_without_somebody() -> None:
    results = [table.results(broker) for broker in table.BROKERS]

    otherwise = {row.key for row in table.ROWS if any(seen[row.key] != row.own(row.want) for seen in results)}

    assert otherwise == {row.key for row in table.ROWS if row.why}


def test_dev_holds_every_must() -> None:
    seen = table.results(table.DEV)

    assert [row.key for row in table.ROWS if row.level != "MAY" and seen[row.key] != row.own(row.want)] == []


def test_every_source_is_cited() -> None:
    assert {row.source for row in table.ROWS} == set(SOURCES)
