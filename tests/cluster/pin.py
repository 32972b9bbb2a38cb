"""Write `go.mod` and `go.sum` anew from `versions.env`; needs Go and the network.

What holds here: `k8s.io/kubernetes` builds outside its own repository only when every library that it keeps in its
`staging` folder is replaced by the release of that library, so the list is read from its own `go.mod`.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from cluster import build, versions

_STAGED = re.compile(r"^\s*(k8s\.io/\S+) => \./staging/", re.MULTILINE)


def main() -> None:
    """Write the two files."""
    wanted = versions.read()
    module = versions.HERE / "go.mod"
    module.write_text(_module(wanted, _staged(wanted.kubernetes)))
    (versions.HERE / "go.sum").unlink(missing_ok=True)
    subprocess.run(["go", "mod", "tidy"], cwd=versions.HERE, check=True)


def _staged(kubernetes: str) -> list[str]:
    command = ["go", "mod", "download", "-json", f"k8s.io/kubernetes@v{kubernetes}"]
    answer = json.loads(subprocess.run(command, cwd="/", check=True, capture_output=True).stdout)
    return sorted(_STAGED.findall(Path(answer["GoMod"]).read_text()))


def _module(wanted: versions.Versions, staged: list[str]) -> str:
    lines = [
        "// Written by `make apiserver-pin` from versions.env.",
        "module tools",
        "",
        "go 1.25.0",
        "",
        f"require go.etcd.io/etcd/server/v3 v{wanted.etcd}",
        f"require k8s.io/kubernetes v{wanted.kubernetes}",
        "",
        *(f"tool {program.package}" for program in build.PROGRAMS.values()),
        "",
        *(f"replace {library} => {library} v{wanted.staging}" for library in staged),
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
