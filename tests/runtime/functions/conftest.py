"""What the pool's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from runtime.functions.rig import Rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        made = Rig(tmp_path, session)
        yield made
        await made.stop()
