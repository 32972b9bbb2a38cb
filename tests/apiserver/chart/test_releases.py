"""Whatever happens to a release, apps and what they became stay; and the operator works under exactly its roles."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import harness
import pytest
import yaml
from apiserver.chart import releases
from apiserver.operator import rig
from charts import helm as helms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster import api

SCHEDULE = {"name": "nightly", "cron": "0 2 * * *", "function": "orders"}
PING = ("PingSourcesources.knative.dev", "shop-schedule-nightly")
ROOT = helms.CHART.parents[1]
pytestmark = pytest.mark.timeout(300)


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)


def committed() -> list[str]:
    """The commit before the last that changed the chart, or the last where this tree has changed it since."""
    changed = git("diff", "--quiet", "HEAD", "--", "charts/patternapp").returncode != 0
    known = git("log", "-2", "--format=%H", "--", "charts/patternapp").stdout.decode().split()
    return known[: 1 if changed else 2][-1:] if changed or len(known) == 2 else []


def older(folder: Path) -> Path:
    """A copy of this chart that could be an older one: one replica, and it knows of no schedules."""
    chart = folder / "older"
    shutil.copytree(helms.CHART, chart)
    rewrite(chart / "Chart.yaml", lambda text: text.replace("ersion: 0.1.0", "ersion: 0.0.9"))
    rewrite(chart / "values.yaml", lambda text: text.replace("\nreplicas: 2\n", "\nreplicas: 1\n"))
    rewrite(chart / "values.yaml", lambda text: text.replace("schedules: true", "schedules: false"))
    rewrite(chart / "files" / "crd.yaml", without_schedules)
    return chart


def rewrite(file: Path, change: Callable[[str], str]) -> None:
    before = file.read_text()
    file.write_text(change(before))
    assert file.read_text() != before


def without_schedules(text: str) -> str:
    definition = yaml.safe_load(text)
    spec = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    del spec["properties"]["schedules"]
    spec["x-kubernetes-validations"] = [
        rule for rule in spec.get("x-kubernetes-validations", ()) if "schedules" not in rule["rule"]
    ]
    definition.pop("metadata")
    return "metadata: {name: patternapps.patternapp.dev}\n" + yaml.safe_dump(definition, width=10_000)


def of(commit: str) -> Callable[[Path], Path]:
    def extracted(folder: Path) -> Path:
        archive = git("archive", commit, "charts/patternapp").stdout
        subprocess.run(["tar", "--extract", "--directory", folder], input=archive, check=True)
        return folder / "charts" / "patternapp"

    return extracted


BEFORE = [
    pytest.param(older, id="an-older-copy"),
    *(pytest.param(of(commit), id="the-commit-before") for commit in committed()),
]


def kept(kubectl: rig.Kubectl) -> dict[Any, str]:
    """The app and all that it became, by their uids."""
    uids = {where: item["metadata"]["uid"] for where, item in kubectl.live().items()}
    return {"app": kubectl.app()["metadata"]["uid"], **uids}


def works(kubectl: rig.Kubectl) -> None:
    """An operator is there and mends."""
    trigger = kubectl.wanted()[rig.TRIGGER]
    trigger["spec"].pop("filters")
    kubectl.server.merge(kubectl.path(trigger), {"spec": {"filters": None}}).object()
    harness.eventually(lambda: kubectl.restored(kubectl.wanted()[rig.TRIGGER]))


@pytest.fixture
def kubectl(server: api.Api, namespace: str) -> rig.Kubectl:
    return rig.Kubectl(server, namespace)


@pytest.mark.parametrize("before", BEFORE)
def test_upgrade_rollback_uninstall_and_reinstall_keep_apps_and_what_they_became(
    release: releases.Release, kubectl: rig.Kubectl, before: Callable[[Path], Path], tmp_path: Path
) -> None:
    release.do("install", before(tmp_path))
    releases.defined(release.server)
    with release.running():
        kubectl.apply(rig.APP)
        harness.eventually(kubectl.settled)
        first = kept(kubectl)
        assert len(first) > 8

        release.do("upgrade", helms.CHART)
        assert kept(kubectl) == first
        works(kubectl)

    with release.running():
        kubectl.apply(rig.changed(schedules=[SCHEDULE]))
        harness.eventually(kubectl.settled)
        assert PING in kubectl.live()
        kubectl.apply(rig.APP)
        harness.eventually(kubectl.settled)

    release.do("rollback", "1")
    assert release.deployment()["metadata"]["labels"]["helm.sh/chart"].startswith("patternapp-")
    with release.running():
        assert kept(kubectl) == first
        works(kubectl)

    release.do("uninstall")
    assert kept(kubectl) == first
    release.do("install", helms.CHART)
    with release.running():
        works(kubectl)
        assert kept(kubectl) == first


def test_uninstalling_leaves_the_definition_and_nothing_else(release: releases.Release) -> None:
    release.do("install", helms.CHART)
    there = {identity(item) for item in release.manifest()}
    found = [item for item in release.manifest() if exists(release, item)]
    assert {identity(item) for item in found} == there
    manifest = release.manifest()

    release.do("uninstall")

    assert [item["kind"] for item in manifest if exists(release, item)] == ["CustomResourceDefinition"]


def test_a_definition_that_is_not_kept_goes_with_the_release(release: releases.Release) -> None:
    release.do("install", helms.CHART, "--set", "crds.keep=false")
    releases.defined(release.server)

    release.do("uninstall")

    harness.eventually(lambda: release.server.get(releases.DEFINITION).status == 404)


def identity(item: helms.Object) -> tuple[str, str, str]:
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def exists(release: releases.Release, item: helms.Object) -> bool:
    path = release.server.path(item, item["metadata"].get("namespace", ""))
    answer = release.server.get(path)
    return answer.status == 200 and "deletionTimestamp" not in answer.object()["metadata"]


def test_a_definition_that_kubectl_applied_is_taken_over_where_that_is_asked_for(release: releases.Release) -> None:
    definition = yaml.safe_load((ROOT / "manifests" / "crd" / "patternapp.dev_patternapps.yaml").read_text())
    release.server.apply(definition).object()
    kubectl = rig.Kubectl(release.server, release.namespace)
    releases.defined(release.server)
    uid = kubectl.apply(rig.APP)["metadata"]["uid"]

    refused = release.helm.run("install", releases.NAME, helms.CHART, "--namespace", release.namespace)
    release.do("install", helms.CHART, "--take-ownership")

    assert "invalid ownership metadata" in refused.stderr
    assert kubectl.app()["metadata"]["uid"] == uid
    labels = releases.defined(release.server)["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "Helm"


def test_two_releases_stand_side_by_side(release: releases.Release, kubectl: rig.Kubectl) -> None:
    release.do("install", helms.CHART)
    more = ("--set", f"crds.install=false,watchNamespaces={{{release.namespace}}}", "--namespace", release.namespace)
    release.helm.done("install", "second", helms.CHART, *more)
    releases.defined(release.server)

    release.helm.done("uninstall", "second", "--namespace", release.namespace)

    assert all(exists(release, item) for item in release.manifest())
    with release.running():
        kubectl.apply(rig.APP)
        harness.eventually(kubectl.settled)


def test_in_chosen_namespaces_the_operator_keeps_apps_there_and_nowhere_else(
    release: releases.Release, kubectl: rig.Kubectl, server: api.Api
) -> None:
    other = rig.Kubectl(server, "default")
    release.do("install", helms.CHART, "--set", f"watchNamespaces={{{release.namespace}}}")
    releases.defined(server)
    with release.running():
        other.apply(rig.APP)
        kubectl.apply(rig.APP)

        harness.eventually(kubectl.settled)

        assert other.status() == {}
        assert other.live() == {}
