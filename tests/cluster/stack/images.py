"""The images of a cluster's own programs, put into the node's container runtime; no registry is asked."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from concurrent import futures
from typing import TYPE_CHECKING

from cluster import build, programs, versions
from cluster.stack import archive, layout, manifests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_AT_ONCE = 2
_FIRST = (
    "coredns",
    "keda-operator",
    "serving-webhook",
    "eventing-webhook",
    "serving-controller",
    "eventing-controller",
)
"""What others wait for, or what takes long to be ready."""
_PAUSE_SOURCE = "build/pause/linux/pause.c"


def pause() -> Path:
    """The program of `layout.PAUSE`, Kubernetes' own, or where it will be."""
    return build.program("kubelet").with_name(f"pause-{build.version('kubelet')}")


def zones() -> Path:
    """Go's time zones, or where they will be."""
    return versions.cache() / "zoneinfo.zip"


def prepare() -> None:
    """Make what images need beside programs of Go, once a version.

    Raises:
        cluster.build.NotBuiltError: There is no compiler, or it refused.
    """
    build.once(pause(), _compile_pause)
    build.once(zones(), _copy_zones)


def _copy_zones(place: Path) -> None:
    root = subprocess.run(("go", "env", "GOROOT"), check=True, capture_output=True, text=True).stdout.strip()
    shutil.copyfile(f"{root}/lib/time/zoneinfo.zip", place)


def _compile_pause(place: Path) -> None:
    source = manifests.directory(programs.TOGETHER, "k8s.io/kubernetes") / _PAUSE_SOURCE
    stamp = f'-DVERSION="{build.version("kubelet")}"'
    command = ("gcc", "-static", "-Os", stamp, "-o", str(place), str(source))
    subprocess.run(command, check=True, capture_output=True, text=True)


def load(place: layout.Layout, tell: Callable[[str], None]) -> None:
    """Import all images, those first that others wait for."""
    _import(place, pause(), "pause", layout.PAUSE)
    rest = [name for name in programs.IMAGES if name not in _FIRST]
    with futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        loaded = [
            pool.submit(_import, place, build.program(name), name, manifests.image(name)) for name in (*_FIRST, *rest)
        ]
        for one in loaded:
            one.result()
    tell(f"{len(loaded) + 1} images imported")


def _import(place: layout.Layout, program: Path, name: str, reference: str) -> None:
    with tempfile.TemporaryFile() as file:
        archive.write(archive.Files(program, zones()), name=name, reference=reference, out=file)
        file.seek(0)
        command = ("ctr", "--address", str(place.containerd), "--namespace", "k8s.io", "images", "import", "-")
        subprocess.run(command, stdin=file, check=True, capture_output=True)
