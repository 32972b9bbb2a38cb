"""The test control plane itself: what else is built on it relies on this."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
import psutil
import pytest
from cluster import api, controlplane, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).resolve().parents[1]
STARTER = """
import dataclasses, json, signal
from cluster import controlplane

with controlplane.running() as started:
    print(json.dumps(dataclasses.asdict(started), default=str), flush=True)
    signal.pause()
"""


@pytest.fixture
def starter() -> Iterator[subprocess.Popen[str]]:
    """A process that has started a control plane of its own and waits."""
    command = (sys.executable, "-c", STARTER)
    with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def told(starter: subprocess.Popen[str]) -> dict[str, Any]:
    assert starter.stdout is not None
    found: dict[str, Any] = json.loads(starter.stdout.readline())
    return found


def test_the_server_is_of_the_version_that_is_named(server: api.Api) -> None:
    assert server.get("/version").object()["gitVersion"] == f"v{versions.read().kubernetes}"


def test_a_killed_test_run_leaves_no_process_and_no_folder(starter: subprocess.Popen[str]) -> None:
    state = told(starter)
    programs = [psutil.Process(pid) for pid in state["pids"].values()]

    starter.send_signal(signal.SIGKILL)

    assert {"etcd", "kube-apiserver", "kube-controller-manager"} == state["pids"].keys()
    assert psutil.wait_procs(programs, harness.DEADLINE)[1] == []
    harness.eventually(lambda: not Path(state["kubeconfig"]).parent.exists())


def test_the_lasting_one_is_started_once_and_goes_when_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a cache of its own, so that nobody's lasting control plane is stopped
    for thing in versions.cache().iterdir():
        if thing.name != "run":
            (tmp_path / "patternapp").mkdir(exist_ok=True)
            (tmp_path / "patternapp" / thing.name).symlink_to(thing)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    started = controlplane.up()
    again = controlplane.up()
    stopped = controlplane.down()

    assert again == started
    assert stopped
    assert not controlplane.down()
    assert not controlplane.lasting().exists()


def test_only_its_owner_may_read_its_secrets(control_plane: controlplane.ControlPlane) -> None:
    assert control_plane.kubeconfig.parent.stat().st_mode & 0o077 == 0


def test_nobody_is_anybody_without_a_token(server: api.Api) -> None:
    access = api.Access(server.access.url, server.access.context)
    stranger = api.Api(access)

    assert stranger.get("/api/v1/namespaces").status == 403
    stranger.close()


def test_a_service_account_may_do_what_its_role_says_and_no_more(server: api.Api, namespace: str) -> None:
    # Given a ServiceAccount that may read ConfigMaps of its namespace
    rbac = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": namespace}
    role = {"kind": "Role", "name": "reader", "apiGroup": rbac}
    for item in (
        {"apiVersion": "v1", "kind": "ServiceAccount"},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "rules": [rule]},
        {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "roleRef": role, "subjects": [subject]},
    ):
        server.create({**item, "metadata": {"name": "reader"}}, namespace=namespace).object()

    reader = server.with_token(server.token(namespace, "reader"))
    allowed = reader.get(f"/api/v1/namespaces/{namespace}/configmaps").status
    denied = reader.get(f"/api/v1/namespaces/{namespace}/secrets").status
    reader.close()

    assert (allowed, denied) == (200, 403)
