"""Every row of the conformance table against the Broker that Knative installs by default.

What must be true here: what is seen is what `tests/conformance/results/mt-broker.json` says, from which
`docs/conformance.md` is made. Where a new Knative does otherwise, the row fails, and `make conformance-cluster` writes
the file anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance import mt_broker, table

if TYPE_CHECKING:
    from conformance.rows import Row
    from e2e import kube


@pytest.fixture(scope="module")
def seen(namespace: kube.Namespace) -> dict[str, str]:
    """What the Broker does with every row, in the words of the table."""
    found = mt_broker.see(table.ROWS, namespace)
    return {row.key: row.look(found[row.key]) for row in table.ROWS}


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: f"{row.section}: {row.level}: {row.sentence}")
def test_the_default_broker_does_what_the_table_says_of_it(row: Row, seen: dict[str, str]) -> None:
    assert seen[row.key] == table.results(table.MT_BROKER)[row.key]
