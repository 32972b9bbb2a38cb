"""The command line in this process, and as a process of its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import harness
import pytest

from patternapp.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

APP = """\
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: hello}
spec:
  image: registry.example.com/hello:1
  functions:
    - {name: greeter, handler: "functions:app"}
  eventDriven:
    - name: hello
      filters: [{exact: {type: hello.said}}]
      function: greeter
"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def patternapp(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs one command line in this process."""

    def run(*arguments: Any) -> Result:
        code = main.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs one command line as a process, in a folder."""

    def run(*arguments: Any, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [*harness.PATTERNAPP, *(str(argument) for argument in arguments)]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=harness.DEADLINE)

    return run


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The file of a valid app."""
    file = tmp_path / "app.yaml"
    file.write_text(APP)
    return file
