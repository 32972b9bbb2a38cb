"""What the operator's tests share: replicas, a user's commands, and an app that is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import harness
import pytest
from apiserver.operator import rig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster import api, controlplane


@pytest.fixture
def replicas(control_plane: controlplane.ControlPlane, tmp_path: Path) -> Iterator[Callable[..., rig.Replica]]:
    """Makes replicas that share one Lease; those that still run afterwards are killed."""
    with rig.fleet(control_plane.kubeconfig, tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def operator(
    control_plane: controlplane.ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[rig.Replica]:
    """One running replica for all tests of a module."""
    with rig.fleet(control_plane.kubeconfig, tmp_path_factory.mktemp("operator")) as make:
        yield make().start()


@pytest.fixture
def kubectl(server: api.Api, namespace: str) -> rig.Kubectl:
    """A user's commands in a fresh namespace."""
    return rig.Kubectl(server, namespace)


@pytest.fixture
def shop(kubectl: rig.Kubectl) -> rig.Kubectl:
    """The app with all its objects made."""
    kubectl.apply(rig.APP)
    harness.eventually(kubectl.settled)
    return kubectl
