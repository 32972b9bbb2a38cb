"""What the tests of the outbox share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from services.outbox import rig as rigs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def rig(postgres_dsn: str, tmp_path: Path) -> Iterator[rigs.Rig]:
    with rigs.running(postgres_dsn, tmp_path) as made:
        made.run(rigs.STOCK)
        yield made
