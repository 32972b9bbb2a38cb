from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from charts import helm as helms
from cluster import build as building
from manifests import installs
from tools import build

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ALL = pytest.mark.parametrize("install", installs.INSTALLS, ids=lambda install: install.folder.name)
CLUSTER_WIDE = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Namespace"}


@pytest.fixture(params=helms.VERSIONS)
def helm(request: pytest.FixtureRequest, tmp_path: Path) -> helms.Helm:
    """Each Helm that the chart has to work with."""
    try:
        build.require()
    except building.NotBuiltError as problem:
        missing = str(problem)
    else:
        return helms.Helm(request.param, tmp_path / "helm")
    pytest.fail(missing, pytrace=False)


@pytest.fixture
def kubectl() -> Path:
    """The kubectl of the test control plane, whose kustomize it is."""
    program = building.program("kubectl")
    if not program.exists():
        pytest.fail("kubectl is not built: run `make apiserver-build`", pytrace=False)
    return program


def built(kubectl: Path, folder: Path) -> list[dict[str, Any]]:
    """What `kubectl apply --kustomize` would apply."""
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def named(items: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(item["kind"], item["metadata"]["name"]) for item in items}


@ALL
def test_an_installation_is_what_the_chart_makes_of_its_values(install: installs.Install, helm: helms.Helm) -> None:
    """`make manifests` writes it anew."""
    assert install.file.read_text() == install.text(helm)


@ALL
def test_kustomize_builds_an_installation_whole(install: installs.Install, kubectl: Path) -> None:
    written = named(yaml.safe_load_all(install.file.read_text()))

    made = built(kubectl, install.folder)

    assert written <= named(made)
    assert len(made) == len(named(made))


@ALL
def test_an_installation_says_nothing_of_helm(install: installs.Install) -> None:
    assert "helm" not in install.file.read_text().lower().replace("charts/patternapp", "")


def test_a_whole_installation_has_its_definition_and_its_namespace_before_what_needs_them(kubectl: Path) -> None:
    for install in installs.INSTALLS[:3]:
        kinds = [item["kind"] for item in built(kubectl, install.folder)]

        assert kinds.index("Namespace") < kinds.index("ServiceAccount")
        assert "CustomResourceDefinition" in kinds


def test_one_team_s_installation_has_nothing_that_is_there_for_the_whole_cluster(kubectl: Path) -> None:
    items = built(kubectl, installs.INSTALLS[-1].folder)

    assert not {item["kind"] for item in items} & CLUSTER_WIDE
    assert {item["metadata"]["namespace"] for item in items} == {"team-a"}


def test_the_kind_cluster_runs_the_images_that_its_script_loads(kubectl: Path) -> None:
    container = helms.container(built(kubectl, installs.FOLDER / "overlays" / "kind"))

    script = (installs.ROOT / "kind" / "up.sh").read_text()

    assert "kind.local/patternapp-$name:dev" in script
    assert container["image"] == "kind.local/patternapp-operator:dev"
    assert "--services-image=kind.local/patternapp-services:dev" in container["args"]
