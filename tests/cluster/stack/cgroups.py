"""The node's own group in every hierarchy of cgroups of version 1, below which kubelet makes those of Pods.

What holds here: another kubelet on this machine, which removes the groups of Pods that it does not know, sees none of
the node's: they are below a group of ours, and it looks from the root.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_NAME = "patternapp-cluster"
_INHERITED = ("cpuset.cpus", "cpuset.mems")
"""What a new group has to be given before a process may be in it."""
_SHARES = "10240"
"""Of the processors: ten times those of a group that says nothing, for this one holds a whole cluster."""
_OF_MOUNTS = frozenset({"rw", "nosuid", "nodev", "noexec", "relatime"})
_GONE_WITHIN = 30.0
_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class _Hierarchy:
    """A hierarchy that is mounted: where, and by which options it is known."""

    place: Path
    options: str

    @property
    def group(self) -> Path:
        return self.place / _NAME


def are_version_1() -> bool:
    """Whether this machine has what this module deals with."""
    return bool(_hierarchies())


def enter() -> None:
    """Move this process into groups of its own, which are the roots of its cgroup namespace."""
    for hierarchy in _hierarchies():
        hierarchy.group.mkdir(exist_ok=True)
        for name in _INHERITED:
            if (hierarchy.group / name).exists():
                (hierarchy.group / name).write_text((hierarchy.place / name).read_text())
        if (shares := hierarchy.group / "cpu.shares").exists():
            shares.write_text(_SHARES)
        (hierarchy.group / "cgroup.procs").write_text(str(os.getpid()))


def mount() -> None:
    """Mount the hierarchies as the cgroup namespace of this process shows them, in a fresh `/sys`."""
    hierarchies = _hierarchies()
    _run("-t", "tmpfs", "tmpfs", str(_ROOT))
    for hierarchy in hierarchies:
        hierarchy.place.mkdir()
        _run("-t", "cgroup", "-o", hierarchy.options, "cgroup", str(hierarchy.place))


def remove() -> None:
    """Remove the groups, once the last of the processes in them has ended.

    Raises:
        TimeoutError: Processes go on.
    """
    deadline = time.monotonic() + _GONE_WITHIN
    while left := [group for hierarchy in _hierarchies() for group in _with_those_below(hierarchy.group)]:
        for group in left:
            with contextlib.suppress(OSError):  # a process in it is just ending
                group.rmdir()
        if time.monotonic() > deadline:
            raise TimeoutError(f"there are still processes in {left[0]}")
        time.sleep(_LOOK_EVERY)


def _with_those_below(group: Path) -> list[Path]:
    """The deepest first."""
    return [Path(folder) for folder, _, _ in os.walk(group, topdown=False)]


def _hierarchies() -> list[_Hierarchy]:
    found = []
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup":
            words = [word for word in options.split(",") if word not in _OF_MOUNTS]
            if any(word.startswith("name=") for word in words):
                words.insert(0, "none")  # it has a name and no controller
            found.append(_Hierarchy(Path(place), ",".join(words)))
    return found


def _run(*options: str) -> None:
    subprocess.run(("mount", *options), check=True)
