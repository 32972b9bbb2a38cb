"""The image that the test cluster's images stand on: Debian with Python, in the place of `python:3.13-slim`.

What holds here: it comes from Debian's own packages, so no registry of images is needed; it is made once for a recipe.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from typing import TYPE_CHECKING

from cluster import build as building
from cluster import versions
from e2e import buildah

if TYPE_CHECKING:
    from pathlib import Path

_SUITE = "bookworm"
_PACKAGES = ("python3", "python3-venv")
_NEEDLESS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
)
"""What nobody reads in a container."""
RECIPE = hashlib.sha256(" ".join((_SUITE, *_PACKAGES, *_NEEDLESS)).encode()).hexdigest()[:12]


def archive() -> Path:
    """Where the image is, or will be."""
    return versions.cache() / "images" / f"debian-{_SUITE}-python-{RECIPE}.tar"


def build() -> Path:
    """The image's archive, made if it is missing: about a minute and a half.

    Raises:
        cluster.build.NotBuiltError: debootstrap or buildah is missing, or refused.
    """
    buildah.require("debootstrap", "buildah")
    archive().parent.mkdir(parents=True, exist_ok=True)
    building.once(archive(), _make)
    return archive()


def _make(place: Path) -> None:
    root = place.parent / "root"
    included = f"--include={','.join(_PACKAGES)}"
    _run("nice", "debootstrap", "--variant=minbase", included, _SUITE, str(root))
    for name in _NEEDLESS:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)
    rootfs = place.parent / "root.tar"
    _run("tar", "--create", "--numeric-owner", "--file", str(rootfs), "--directory", str(root), ".")
    shutil.rmtree(root)
    with buildah.store(place.parent) as store:
        store.pack(rootfs, name="base")
        rootfs.unlink()
        store.give("base", place, called=f"localhost/{place.stem}:1")


def _run(*command: str) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise subprocess.CalledProcessError(answer.returncode, command, stderr=answer.stdout + answer.stderr)
