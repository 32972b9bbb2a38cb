"""Helm's own judgement of the chart, and kubeconform's of what it makes, for every file of values in `ci/`."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from charts import helm as helms
from tools import build, schemas

if TYPE_CHECKING:
    from pathlib import Path

CASES = pytest.mark.parametrize("case", helms.cases(), ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def known(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 - they are needed
    """The schemas of all kinds."""
    folder = tmp_path_factory.mktemp("schemas")
    schemas.write(folder)
    return folder


def judged(text: str, known: Path) -> subprocess.CompletedProcess[str]:
    """What kubeconform says of objects."""
    location = f"{known}/{schemas.LOCATION}"
    command = (str(build.program("kubeconform")), "-strict", "-summary", "-schema-location", location)
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


@CASES
def test_helm_finds_nothing_to_complain_of(helm: helms.Helm, case: Path) -> None:
    helm.done("lint", "--strict", helms.CHART, "--values", case)


@CASES
def test_every_object_is_one_that_its_kind_knows(case: Path, known: Path, tmp_path: Path) -> None:
    items = helms.Helm("helm-4", tmp_path).template("--values", case)

    said = judged(yaml.safe_dump_all(items), known)

    assert said.returncode == 0, said.stdout
    assert f"Valid: {len(items)}, Invalid: 0, Errors: 0, Skipped: 0" in said.stdout


def test_a_field_that_a_kind_does_not_know_is_found(known: Path, tmp_path: Path) -> None:
    items = helms.Helm("helm-4", tmp_path).template()
    helms.pod(items)["spec"]["containerz"] = []

    said = judged(yaml.safe_dump_all(items), known)

    assert said.returncode == 1
    assert "additional properties 'containerz' not allowed" in said.stdout
