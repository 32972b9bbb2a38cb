"""The rows, against the Broker of `dev`. Against the default Broker of Knative: `tests/e2e/test_conformance.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance import embedded, table

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.rows import Row


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: f"{row.section}: {row.level}: {row.sentence}")
async def test_dev_does_what_the_table_says_of_it(row: Row, tmp_path: Path) -> None:
    seen = await embedded.see(row, tmp_path)

    assert row.look(seen) == table.results(table.DEV)[row.key]
