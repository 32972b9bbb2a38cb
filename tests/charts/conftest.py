"""What the chart's tests share: both Helms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from charts import helm as helms
from cluster import build as building
from tools import build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tools() -> None:
    """The programs that judge charts are there."""
    try:
        build.require()
    except building.NotBuiltError as problem:
        missing = str(problem)
    else:
        return
    pytest.fail(missing, pytrace=False)


@pytest.fixture(params=helms.VERSIONS)
def helm(request: pytest.FixtureRequest, tools: None, tmp_path: Path) -> helms.Helm:  # noqa: ARG001 - they are needed
    """Each Helm that the chart has to work with."""
    return helms.Helm(request.param, tmp_path / "helm")
