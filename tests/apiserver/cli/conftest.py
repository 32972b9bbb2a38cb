"""What the command line's tests share: its commands as processes, and an app that a real operator has made."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import harness
import pytest
import yaml
from apiserver.operator import rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import controlplane


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


@dataclass
class Commands:
    """`patternapp` for a cluster and a namespace."""

    kubeconfig: Path
    namespace: str
    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that runs; standard output can be read."""
        environment = os.environ | {"KUBECONFIG": str(self.kubeconfig)}
        place = () if "-n" in arguments else ("-n", self.namespace)
        self.started.append(
            subprocess.Popen(
                [*harness.PATTERNAPP, *arguments, *place],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
        )
        return self.started[-1]

    def run(self, *arguments: str) -> Result:
        """A command to its end; never a traceback."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=2 * harness.DEADLINE)
        assert "Traceback" not in err, err
        return Result(process.returncode, out, err)

    def file(self, app: dict[str, Any]) -> str:
        """A file with an app."""
        path = self.folder / "app.yaml"
        path.write_text(yaml.safe_dump(app))
        return str(path)

    def diff(self, app: dict[str, Any], *options: str) -> Result:
        """`patternapp diff` of an app."""
        return self.run("diff", self.file(app), *options)

    def close(self) -> None:
        """End what still runs."""
        for process in self.started:
            process.kill()
            process.communicate()


@pytest.fixture
def shop(operator: rig.Replica, kubectl: rig.Kubectl) -> rig.Kubectl:
    """The app with all its objects made."""
    kubectl.apply(rig.APP)
    harness.eventually(lambda: operator.leads() and kubectl.settled())
    return kubectl


@pytest.fixture
def patternapp(control_plane: controlplane.ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Commands]:
    """`patternapp` in a fresh namespace."""
    commands = Commands(control_plane.kubeconfig, namespace, tmp_path)
    yield commands
    commands.close()
