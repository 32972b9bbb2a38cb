"""Write `go.mod` and `go.sum` of the modules anew from `versions.env`; needs Go and the network.

What holds here: libraries that products keep in step are at one version in all of them. `k8s.io/kubernetes` builds
outside its own repository only with the releases of what it keeps in its `staging` folder, and KEDA with what it
replaces; both are read from their own `go.mod`.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cluster import build, programs, versions

_STAGED = re.compile(r"^\s*(k8s\.io/\S+) => \./staging/", re.MULTILINE)
_REPLACED = re.compile(r"^\s*(?:replace )?(\S+) => (\S+ v\S+)$", re.MULTILINE)
_KUBERNETES = "k8s.io/kubernetes"
_KEDA = "github.com/kedacore/keda/v2"


@dataclass(frozen=True, slots=True)
class Module:
    """A module of ours.

    Attributes:
        products: What it requires, and the line of `versions.env` that is its version.
        in_step: Whether libraries are kept at one version for all of these.
    """

    products: tuple[tuple[str, str], ...]
    in_step: bool


MODULES = {
    programs.TOGETHER: Module(
        (
            ("go.etcd.io/etcd/server/v3", "etcd"),
            (_KUBERNETES, "kubernetes"),
            ("knative.dev/serving", "knative"),
            ("knative.dev/eventing", "knative"),
            (_KEDA, "keda"),
            ("github.com/coredns/coredns", "coredns"),
        ),
        in_step=True,
    ),
    programs.ALONE: Module((("knative.dev/eventing-kafka", "eventing_kafka"),), in_step=False),
}


def main() -> None:
    """Write the files."""
    wanted = versions.read()
    for name, module in MODULES.items():
        folder = build.module(name)
        (folder / "go.mod").write_text(_text(name, module, wanted))
        (folder / "go.sum").unlink(missing_ok=True)
        subprocess.run(["go", "mod", "tidy"], cwd=folder, check=True)


def _text(name: str, module: Module, wanted: versions.Versions) -> str:
    kept = _kept_in_step(wanted) if module.in_step else {}
    lines = [
        "// Written by `make cluster-pin` from versions.env.",
        "module tools",
        "",
        "go 1.26.0",
        "",
        *(f"require {product} v{getattr(wanted, line)}" for product, line in module.products),
        "",
        *(f"tool {one.package}" for one in programs.PROGRAMS.values() if one.module == name and one.package[0] != "."),
        "",
        *(f"replace {library} => {release}" for library, release in sorted(kept.items())),
    ]
    return "\n".join([*lines, ""])


def _kept_in_step(wanted: versions.Versions) -> dict[str, str]:
    staged = _STAGED.findall(_go_mod(f"{_KUBERNETES}@v{wanted.kubernetes}"))
    replaced = dict(_REPLACED.findall(_go_mod(f"{_KEDA}@v{wanted.keda}")))
    return {**replaced, **{library: f"{library} v{wanted.staging}" for library in staged}}


def _go_mod(module: str) -> str:
    command = ["go", "mod", "download", "-json", module]
    answer = json.loads(subprocess.run(command, cwd="/", check=True, capture_output=True).stdout)
    return Path(answer["GoMod"]).read_text()


if __name__ == "__main__":
    main()
