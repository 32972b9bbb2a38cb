"""The import contracts hold, and each of them breaks when it is violated."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("src", "operator/src", "services/src")


@dataclass(frozen=True)
class Violation:
    """A line that must not be in a module, and the contract that it breaks."""

    contract: str
    module: str
    line: str


VIOLATIONS = (
    Violation("layers", "src/patternapp/plan/compile.py", "import patternapp.render.names"),
    Violation("layers", "services/src/patternapp_services/wire.py", "import patternapp.runtime.clock"),
    Violation(
        "only the cluster's room and the operator know Kubernetes",
        "src/patternapp/runtime/clock.py",
        "import kubernetes",
    ),
    Violation("the core does no I/O and reads no clock", "src/patternapp/render/names.py", "import time"),
    Violation("the receiver stays light", "src/patternapp/receiver/app.py", "import patternapp.plan.model"),
    Violation(
        "parts of the runtime know what is below them",
        "src/patternapp/runtime/store/reads.py",
        "import patternapp.runtime.eventing.broker",
    ),
    Violation("patterns are independent", "src/patternapp/plan/queues.py", "import patternapp.plan.fan_out"),
)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(folder / source) for source in SOURCES)
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_holds() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout


def test_every_contract_has_a_violation_to_prove_it() -> None:
    text = (ROOT / "pyproject.toml").read_text()

    contracts = {
        line.split('"')[1] for line in text.split("[tool.importlinter]")[1].splitlines() if line.startswith("name =")
    }

    assert contracts == {violation.contract for violation in VIOLATIONS}


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: f"{violation.contract}: {violation.line}")
def test_a_planted_violation_breaks_its_contract(violation: Violation, tmp_path: Path) -> None:
    for source in SOURCES:
        shutil.copytree(ROOT / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    module = tmp_path / violation.module
    module.write_text(f"{module.read_text()}\n{violation.line}\n")

    result = lint(tmp_path)

    assert result.returncode == 1, result.stdout
    assert f"{violation.contract} BROKEN" in result.stdout
