"""What the API server's tests share: a server, a namespace for each test, and the operator as a process.

What holds here: tests of one server run one after another, as some change what is there once for the cluster. They
are one group for xdist, so there is one server. Where xdist does not group (3.8 under pytest 9.2, its issue 1386),
each worker has a server of its own.
"""

from __future__ import annotations

import contextlib
import http
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from apiserver.operator import rig
from cluster import api, build, controlplane, definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.xdist_group("apiserver"))
    if named() is not None:
        # There is no control plane of ours, and so none to test.
        without = [item for item in ours if item.path.name == "test_controlplane.py"]
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


def named() -> Path | None:
    """The kubeconfig of the server that is used where ours is not built."""
    kubeconfig = os.environ.get("KUBECONFIG")
    return Path(kubeconfig) if kubeconfig and build.missing() else None


@pytest.fixture(scope="session")
def control_plane() -> Iterator[controlplane.ControlPlane]:
    """The API server: our own, or the one on this machine that KUBECONFIG names where ours is not built."""
    kubeconfig = named()
    if kubeconfig is not None:
        yield foreign(kubeconfig)
        return
    with contextlib.ExitStack() as stack:
        try:
            started = stack.enter_context(controlplane.running())
        except (build.NotBuiltError, controlplane.StartError) as problem:
            missing = str(problem)
        else:
            yield started
            return
    pytest.fail(missing, pytrace=False)


def foreign(kubeconfig: Path) -> controlplane.ControlPlane:
    """Somebody else's API server; only one on this machine, as tests write cluster-wide definitions."""
    access = api.access(kubeconfig)
    if access.host not in LOOPBACK:
        pytest.fail(f"KUBECONFIG names {access.host}; tests write only to a cluster on this machine", pytrace=False)
    with contextlib.closing(api.Api(access)) as server:
        definitions.install(server)
    return controlplane.ControlPlane(access.url, kubeconfig, {})


@pytest.fixture(scope="session")
def server(control_plane: controlplane.ControlPlane) -> Iterator[api.Api]:
    """A client of the API server that may do everything."""
    client = api.Api(api.access(control_plane.kubeconfig))
    yield client
    client.close()


@pytest.fixture
def namespace(server: api.Api) -> Iterator[str]:
    """A fresh namespace that admits only restricted Pods, and warns of what would make others."""
    name = made(server)
    yield name
    remove(server, name)


@pytest.fixture
def kubectl(server: api.Api, namespace: str) -> rig.Kubectl:
    """A user's commands in a fresh namespace."""
    return rig.Kubectl(server, namespace)


@pytest.fixture
def account(server: api.Api, control_plane: controlplane.ControlPlane, tmp_path: Path) -> Iterator[rig.Account]:
    """What the replicas of a test are logged in as: exactly the generated roles, and nothing else."""
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


def made(server: api.Api) -> str:
    """Make such a namespace; its name."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    server.create(item).object()
    return name


def remove(server: api.Api, namespace: str) -> None:
    """Delete a namespace and all that is in it at once: its controller waits for seconds before it begins."""
    path = f"/api/v1/namespaces/{namespace}"
    answer = server.delete(path)
    if answer.status in {404, 409}:
        return  # a test has deleted it, and the controller is at it
    deleted = answer.object()
    for collection in server.collections(namespace):
        empty(server, collection)
    deleted["spec"]["finalizers"] = []
    server.request("PUT", f"{path}/finalize", deleted)


def empty(server: api.Api, collection: str) -> None:
    """Delete all objects of a collection; nobody waits for their finalizers."""
    answer = server.delete(collection)
    if answer.status == http.HTTPStatus.NOT_FOUND:
        return  # the definition of their kind went a moment ago
    for item in answer.object().get("items", ()):
        if item["metadata"].get("finalizers"):
            server.merge(f"{collection}/{item['metadata']['name']}", {"metadata": {"finalizers": None}})
