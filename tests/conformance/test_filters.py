"""Filters by themselves: what the rows say of a Broker holds of the function too, and of its explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance import filter_rows

from patternapp import filters

if TYPE_CHECKING:
    from conformance.rows import Row

ROWS = (*filter_rows.ROWS, *filter_rows.MORE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_a_filter_passes_what_knative_passes(row: Row) -> None:
    assert filters.compile(row.triggers[0].filters)(filter_rows.attributes(row)) is (row.want == filter_rows.PASS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_an_explanation_agrees_with_the_filter(row: Row) -> None:
    explained = filters.explain(row.triggers[0].filters, filter_rows.attributes(row))

    verdicts = {verdict.path: verdict.matched for verdict in explained}

    outer = [matched for path, matched in verdicts.items() if path.count("[") == 1 and ".not." not in path]
    assert all(outer) is (row.want == filter_rows.PASS)
