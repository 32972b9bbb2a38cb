"""The commands of docs/install-kubectl.md, run in their order on a real API server, but for those that need nodes."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import harness
import pytest
from cluster import build, definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster import api, controlplane

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "install-kubectl.md"
SECTION = re.compile(r"^## (?P<title>.+?)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(
    r"(?P<nodes><!-- on a cluster with nodes -->\n)?^```sh\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
VERSION = "patternapp.dev/v1alpha1"
APP = "/apis/patternapp.dev/v1alpha1/namespaces/first/patternapps/nightly"


@pytest.fixture
def restored(server: api.Api) -> Iterator[api.Api]:
    """The server; afterwards it has this tree's definition again, and nothing of the page."""
    yield server
    for name in ("patternapp-system", "first", "team-a"):
        server.delete(f"/api/v1/namespaces/{name}")
    definitions.install(server)
    server.forget(VERSION)
    harness.eventually(lambda: server.serves(VERSION, "PatternApp"))


def commands(title: str) -> list[str]:
    """The commands of a section, each a line."""
    (text,) = (match["text"] for match in SECTION.finditer(PAGE.read_text()) if match["title"] == title)
    blocks = [match["text"] for match in BLOCK.finditer(text) if match["nodes"] is None]
    return [line for block in blocks for line in block.splitlines()]


def run(kubeconfig: Path, folder: Path, lines: list[str]) -> None:
    """Run commands as somebody who may do everything in the cluster."""
    kubectl = folder / "kubectl"
    if not kubectl.exists():
        kubectl.symlink_to(build.program("kubectl"))
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "KUBECONFIG": str(kubeconfig)}
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


@pytest.mark.timeout(600)  # a dozen programs are started, and three namespaces emptied
def test_the_page_installs_upgrades_and_uninstalls_and_apps_live_until_their_definition_goes(
    control_plane: controlplane.ControlPlane, restored: api.Api, tmp_path: Path
) -> None:
    for title in ("Install", "The first app", "Choose", "Upgrade"):
        run(control_plane.kubeconfig, tmp_path, commands(title))
    operator = "/apis/apps/v1/namespaces/patternapp-system/deployments/patternapp-operator"
    assert restored.get(operator).refusal is None
    assert restored.get("/apis/apps/v1/namespaces/team-a/deployments/patternapp-operator").refusal is None
    born = restored.get(APP).object()["metadata"]["uid"]

    *operator_alone, everything = commands("Uninstall")
    run(control_plane.kubeconfig, tmp_path, operator_alone)

    assert restored.get(operator).status == 404
    assert restored.get(APP).object()["metadata"]["uid"] == born
    assert left_for_the_cluster(restored) == []

    run(control_plane.kubeconfig, tmp_path, [everything])

    assert restored.get(APP).status == 404


def left_for_the_cluster(server: api.Api) -> list[str]:
    """What is still there of the installation, for the whole cluster, beside the definition."""
    kinds = ("rbac.authorization.k8s.io/v1/clusterroles", "rbac.authorization.k8s.io/v1/clusterrolebindings")
    policies = "admissionregistration.k8s.io/v1/validatingadmissionpolic"
    collections = [f"/apis/{kind}" for kind in (*kinds, f"{policies}ies", f"{policies}ybindings")]
    names = [item["metadata"]["name"] for one in collections for item in server.get(one).object()["items"]]
    return [name for name in names if name.startswith("patternapp")]
