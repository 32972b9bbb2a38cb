"""Helm as a user runs it, on the chart of this tree."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from charts import values
from tools import build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CHART = values.CHART
VERSIONS = ("helm-3", "helm-4")
MONITORING = ("ServiceMonitor", "PodMonitor", "PrometheusRule")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Object = dict[str, Any]


def cases() -> list[Path]:
    """The files of values that the chart is always tried with."""
    return sorted((CHART / "ci").glob("*-values.yaml"))


@dataclass(frozen=True, slots=True)
class Helm:
    """One version of Helm.

    Attributes:
        version: `helm-3` or `helm-4`.
        home: Where it keeps what it keeps.
        kubeconfig: The cluster that it talks to; none where it only renders.
    """

    version: str
    home: Path
    kubeconfig: Path | None = None

    def environment(self) -> dict[str, str]:
        """The variables by which it knows its home and its cluster."""
        places = {f"HELM_{name}_HOME": str(self.home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        return {**places, "KUBECONFIG": str(self.kubeconfig or self.home / "none")}

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """A command, whether it succeeds or not."""
        command = [build.program(self.version), *arguments]
        environment = {**os.environ, **self.environment()}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def done(self, *arguments: str | Path) -> str:
        """What a command prints that has to succeed."""
        answer = self.run(*arguments)
        assert answer.returncode == 0, f"{' '.join(map(str, arguments))}\n{answer.stderr}"
        return answer.stdout

    def template(
        self, *options: str | Path, release: str = "patternapp", namespace: str = "patternapp-system"
    ) -> list[Object]:
        """The objects that a release would have, those of `helm test` too."""
        return objects(self.done("template", release, CHART, "--namespace", namespace, *options))

    def refused(self, *options: str | Path) -> str:
        """Why a release cannot be rendered."""
        answer = self.run("template", "patternapp", CHART, *options)
        assert answer.returncode != 0
        return answer.stderr


def objects(text: str) -> list[Object]:
    """The documents of a text that are not empty."""
    return [item for item in yaml.load_all(text, Loader=_LOADER) if item]


def serving(*kinds: str) -> tuple[str, ...]:
    """The options by which a cluster seems to have kinds of the Prometheus operator."""
    return tuple(f"--api-versions=monitoring.coreos.com/v1/{kind}" for kind in kinds)


def only(items: Sequence[Object], kind: str) -> list[Object]:
    """The objects of a kind that a release has; those of `helm test` come and go."""
    return [item for item in items if item["kind"] == kind and not testing(item)]


def testing(item: Object) -> bool:
    """Whether an object is there only while `helm test` runs."""
    return (item["metadata"].get("annotations") or {}).get("helm.sh/hook") == "test"


def pod(items: Sequence[Object]) -> Object:
    """The operator's Pods, as their Deployment has them made."""
    (deployment,) = only(items, "Deployment")
    found: Object = deployment["spec"]["template"]
    return found


def container(items: Sequence[Object]) -> Object:
    """The operator's container."""
    found: Object = pod(items)["spec"]["containers"][0]
    return found
