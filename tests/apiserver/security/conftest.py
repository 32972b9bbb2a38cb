"""What attacks on an operator share: one replica with exactly the generated roles, and two namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from apiserver import conftest as servers
from apiserver.operator import rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import api, controlplane


@pytest.fixture
def account(server: api.Api, control_plane: controlplane.ControlPlane, tmp_path: Path) -> Iterator[rig.Account]:
    """What the replica of a test is logged in as: exactly the generated roles, and nothing else."""
    with rig.account(server, control_plane.kubeconfig, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def operator(
    server: api.Api, control_plane: controlplane.ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[rig.Replica]:
    """One running replica, with exactly the generated roles, for all tests of a module."""
    folder = tmp_path_factory.mktemp("operator")
    with rig.account(server, control_plane.kubeconfig, folder) as account, rig.fleet(account, folder) as make:
        yield make().start()


@pytest.fixture
def kubectl(server: api.Api, namespace: str) -> rig.Kubectl:
    """The tenant's commands, in a namespace of the tenant's own."""
    return rig.Kubectl(server, namespace)


@pytest.fixture
def victim(server: api.Api) -> Iterator[rig.Kubectl]:
    """The namespace of somebody else."""
    name = servers.made(server)
    yield rig.Kubectl(server, name)
    servers.remove(server, name)
