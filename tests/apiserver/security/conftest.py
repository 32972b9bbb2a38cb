"""What attacks on an operator share: the namespace of somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from apiserver import conftest as servers
from apiserver.operator import rig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster import api


@pytest.fixture
def victim(server: api.Api) -> Iterator[rig.Kubectl]:
    """The namespace of somebody else."""
    name = servers.made(server)
    yield rig.Kubectl(server, name)
    servers.remove(server, name)
