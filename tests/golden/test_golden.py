from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from golden import rewrite

if TYPE_CHECKING:
    import pathlib


@pytest.mark.parametrize("case", rewrite.cases(), ids=lambda case: case.name)
def test_a_case_becomes_exactly_the_files_beside_it(case: pathlib.Path) -> None:
    written = {name: (case / name).read_text() for name in ("plan.yaml", "out.yaml", "graph.mmd")}

    assert rewrite.outcome(case) == written
