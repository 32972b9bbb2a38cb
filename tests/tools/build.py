"""Build the programs that judge charts and manifests, each once a version, into the cache of `cluster.versions`.

What holds here: each is built from its own module at the version of `versions.env`, with the libraries that its release
has, which Go's checksum database holds. In one module of ours, both Helms would get the newer one's.
"""

from __future__ import annotations

import functools
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster import build as building
from cluster import definitions, versions
from tools import schemas

if TYPE_CHECKING:
    from pathlib import Path

_NO_GO = "The charts' tests need a Go toolchain, to build Helm and kubeconform once: install Go 1.26 or newer."


@dataclass(frozen=True, slots=True)
class Tool:
    """A program.

    Attributes:
        package: What `go install` is told, without the version.
        version: Which line of `versions.env` is its version.
        stamped: Variables of the program that hold its version, and what it takes a cluster for that it cannot ask.
    """

    package: str
    version: str
    stamped: tuple[str, ...] = ()


TOOLS = {
    "helm-3": Tool(
        "helm.sh/helm/v3/cmd/helm",
        "HELM_3",
        (
            "helm.sh/helm/v3/internal/version.version=v{version}",
            *(
                f"helm.sh/helm/v3/pkg/{package}.k8sVersion{part}"
                for package in ("chartutil", "lint/rules")
                for part in ("Major={major}", "Minor={minor}")
            ),
        ),
    ),
    "helm-4": Tool("helm.sh/helm/v4/cmd/helm", "HELM_4", ("helm.sh/helm/v4/internal/version.version=v{version}",)),
    "kubeconform": Tool("github.com/yannh/kubeconform/cmd/kubeconform", "KUBECONFORM"),
}


def program(name: str) -> Path:
    """Where a program is, or will be."""
    return versions.cache() / f"{name}-{versions.lines()[TOOLS[name].version]}"


def missing() -> list[Path]:
    """What is not there yet."""
    wanted = (*map(program, TOOLS), building.resource_definitions(definitions.PROMETHEUS), schemas.openapi())
    return [path for path in wanted if not path.exists()]


def require() -> None:
    """Go on only with everything there.

    Raises:
        cluster.build.NotBuiltError: something is not.
    """
    if left := missing():
        mend = f"{left[0].name} is not built: run `make tools-build`"
        raise building.NotBuiltError(mend if shutil.which("go") else _NO_GO)


def build() -> None:
    """Make what is missing, and say so as it goes on.

    Raises:
        cluster.build.NotBuiltError: there is no Go, or it refused.
    """
    if not missing():
        return
    if shutil.which("go") is None:
        raise building.NotBuiltError(_NO_GO)
    monitoring = definitions.PROMETHEUS
    building.once(building.resource_definitions(monitoring), functools.partial(definitions.collect, monitoring))
    building.once(schemas.openapi(), schemas.collect)
    for name, tool in TOOLS.items():
        version = versions.lines()[tool.version]
        stamps = " ".join(f"-X {text}" for text in tool.stamped).format(version=version, **_cluster())
        building.once(program(name), functools.partial(building.install, f"{tool.package}@v{version}", stamps=stamps))


def _cluster() -> dict[str, str]:
    """The version of Kubernetes that the tests' API server has."""
    major, minor, _ = versions.read().kubernetes.split(".")
    return {"major": major, "minor": minor}


def main() -> None:
    """Build what is missing; exit code 3 and the reason if that cannot be."""
    try:
        build()
    except building.NotBuiltError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(3)


if __name__ == "__main__":
    main()
