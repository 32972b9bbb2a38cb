"""The commands of docs/install-helm.md, in their order, by both Helms, but for those that need nodes."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import harness
import pytest
from apiserver.chart import releases
from charts import helm as helms
from cluster import build as building
from tools import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import api

ROOT = helms.CHART.parents[1]
PAGE = ROOT / "docs" / "install-helm.md"
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def emptied(fresh: api.Api) -> Iterator[api.Api]:
    """The server; afterwards the page's namespaces are gone."""
    yield fresh
    paths = [f"/api/v1/namespaces/{name}" for name in ("patternapp-system", "team-a")]
    for path in paths:
        fresh.delete(path)
    harness.eventually(lambda: {fresh.get(path).status for path in paths} == {404})


@pytest.fixture
def programs(helm: helms.Helm, tmp_path: Path) -> Path:
    """The folder of what the page's commands call."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "helm").symlink_to(build.program(helm.version))
    (folder / "kubectl").symlink_to(building.program("kubectl"))
    return folder


def run(command: str, helm: helms.Helm, programs: Path) -> subprocess.CompletedProcess[str]:
    """A command as somebody types it who may do everything in the cluster."""
    environment = {**os.environ, **helm.environment(), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-ec", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(300)
def test_the_commands_of_the_page_do_what_it_says(helm: helms.Helm, emptied: api.Api, programs: Path) -> None:
    refused, shown, done = "", "", 0
    for block in BLOCK.finditer(PAGE.read_text()):
        if block["kind"] != "sh":
            shown += block["text"]
        elif block["mark"] == "refused":
            refused += run(block["text"], helm, programs).stderr
        elif block["mark"] is None:
            answer = run(block["text"], helm, programs)
            assert answer.returncode == 0, f"{block['text']}\n{answer.stdout}{answer.stderr}"
            done += 1

    assert done == 8
    assert all(line.strip() in refused for line in shown.splitlines())
    assert emptied.get(releases.DEFINITION).status == 404
