"""Build the programs and collect the resource definitions that a test control plane needs, each once a version.

What holds here:

* Everything comes from Go modules, by the `go` that is installed and whatever proxy it is set to. Programs are
  held by `go.sum`, modules that are only read by Go's checksum database.
* What has been built lies in `versions.cache()` under its name and version and is never changed: it is made beside
  its place and renamed into it, under a lock, so a second run waits and then finds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cluster import definitions, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REPORT_EVERY = 10.0
"""Seconds between two lines about a build that goes on."""
_VERSION_VARIABLES = "k8s.io/component-base/version"


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the tools module.

    Attributes:
        package: What `go build` is told.
        version: Which line of `versions.env` is its version.
    """

    package: str
    version: str


PROGRAMS = {
    "etcd": Program("go.etcd.io/etcd/server/v3", "etcd"),
    "kube-apiserver": Program("k8s.io/kubernetes/cmd/kube-apiserver", "kubernetes"),
}


class Missing(Exception):  # noqa: N818 - a test fails with it, and it reads as what it is
    """What a control plane needs and this machine does not have, in one line."""


def program(name: str) -> Path:
    """Where a program is, or will be."""
    return versions.cache() / f"{name}-{getattr(versions.read(), PROGRAMS[name].version)}"


def resource_definitions(source: definitions.Source) -> Path:
    """The folder of one project's CustomResourceDefinitions."""
    return versions.cache() / f"{source.name}-crds-{source.version(versions.read())}"


def missing() -> list[Path]:
    """What is not there yet."""
    wanted = (*map(program, PROGRAMS), *map(resource_definitions, definitions.SOURCES))
    return [path for path in wanted if not path.exists()]


def build() -> None:
    """Make what is missing, and say so as it goes on.

    Raises:
        Missing: there is something to build and no Go to build it.
        subprocess.CalledProcessError: Go refused; it has said why.
    """
    if not missing():
        return
    if shutil.which("go") is None:
        raise Missing(
            "The API-server tests need a Go toolchain to build etcd and kube-apiserver once: install Go 1.25 or newer,"
            " or set KUBECONFIG to a cluster on this machine, such as kind's."
        )
    for source in definitions.SOURCES:
        _once(resource_definitions(source), lambda place, source=source: definitions.collect(source, place))
    for name in PROGRAMS:
        _once(program(name), lambda place, name=name: _compile(name, place))


def _once(place: Path, make: Callable[[Path], None]) -> None:
    """Make what belongs at a place, unless it is there or another run is just making it."""
    with _locked(place):
        if place.exists():
            return
        started = time.monotonic()
        _say(f"{place.name}: building, once for this version")
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as folder:
            make(Path(folder) / place.name)
            (Path(folder) / place.name).rename(place)
        _say(f"{place.name}: built in {time.monotonic() - started:.0f} s")


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[None]:
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f".{place.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"{place.name}: another run is building it; waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _compile(name: str, place: Path) -> None:
    kubernetes = versions.read().kubernetes
    major, minor, _ = kubernetes.split(".")
    # Knative refuses to work on a server that does not say its version.
    stamps = {"gitVersion": f"v{kubernetes}", "gitMajor": major, "gitMinor": minor}
    linked = " ".join(["-s", "-w", *(f"-X {_VERSION_VARIABLES}.{key}={value}" for key, value in stamps.items())])
    flags = ("-mod=readonly", "-trimpath", "-buildvcs=false", "-v", "-ldflags", linked, "-o", str(place))
    command = ("nice", "env", "CGO_ENABLED=0", "GOWORK=off", "go", "build", *flags, PROGRAMS[name].package)
    with subprocess.Popen(command, cwd=versions.HERE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None  # noqa: S101 - it was asked for above
        last = _follow(place.name, process.stderr)
    if process.returncode:
        _say(*last)
        raise subprocess.CalledProcessError(process.returncode, command)


def _follow(name: str, output: TextIO) -> list[str]:
    """Say now and then how many packages are compiled; the last lines, in case that they tell of an error."""
    started = reported = time.monotonic()
    lines: list[str] = []
    packages = 0
    for line in output:
        lines = [*lines[-20:], line.rstrip()]
        packages += " " not in line  # the others tell of downloads and errors
        if time.monotonic() - reported > _REPORT_EVERY:
            reported = time.monotonic()
            _say(f"{name}: {packages} packages compiled, {reported - started:.0f} s")
    return lines


def _say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - whoever waits is told why


def main() -> None:
    """Build what is missing; exit code 3 with one line if that cannot be."""
    try:
        build()
    except Missing as problem:
        _say(str(problem))
        sys.exit(3)
    except subprocess.CalledProcessError as problem:
        _say(f"`{' '.join(map(str, problem.cmd))}` ended with {problem.returncode}")
        sys.exit(3)


if __name__ == "__main__":
    main()
