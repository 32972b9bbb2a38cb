"""What the runtime's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from harness import Dev

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    running = Dev(tmp_path)
    yield running
    running.close()
