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
import functools
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cluster import definitions, keda, programs, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_REPORT_EVERY = 10.0
"""Seconds between two lines about a build that goes on."""
_NO_GO = (
    "The API-server tests need a Go toolchain, to build etcd and Kubernetes once: install Go 1.25 or newer, or set"
    " KUBECONFIG to a cluster on this machine, such as kind's."
)
_VERSION_VARIABLES = "k8s.io/component-base/version"


class NotBuiltError(Exception):
    """Something that a control plane needs is not there; the message says why."""


def program(name: str) -> Path:
    """Where a program is, or will be."""
    return versions.cache() / f"{name}-{version(name)}"


def version(name: str) -> str:
    """A program's version."""
    found: str = getattr(versions.read(), programs.PROGRAMS[name].version)
    return found


def module(name: str) -> Path:
    """The folder of a module that pins libraries."""
    return versions.HERE / "modules" / name


def resource_definitions(source: definitions.Source) -> Path:
    """The folder of one project's CustomResourceDefinitions."""
    return versions.cache() / source.kept(versions.read())


def missing(names: Iterable[str] = programs.CONTROL_PLANE) -> list[Path]:
    """Which of these programs, and of the definitions, are not there yet."""
    wanted = (*map(program, names), *map(resource_definitions, definitions.SOURCES))
    return [path for path in wanted if not path.exists()]


def require() -> None:
    """Go on only with everything there.

    Raises:
        NotBuiltError: something is not.
    """
    if left := missing():
        mend = f"{left[0].name} is not built: run `make apiserver-build`"
        raise NotBuiltError(mend if shutil.which("go") else _NO_GO)


def build(names: Iterable[str] = programs.CONTROL_PLANE) -> None:
    """Make what is missing of these programs, and the definitions, and say so as it goes on.

    Raises:
        NotBuiltError: there is no Go, or it refused.
    """
    wanted = tuple(names)
    if not missing(wanted):
        return
    if shutil.which("go") is None:
        raise NotBuiltError(_NO_GO)
    for source in definitions.SOURCES:
        once(resource_definitions(source), functools.partial(definitions.collect, source))
    for name in wanted:
        once(program(name), functools.partial(_compile, name))


def kro() -> Path:
    """The operator that ours is measured against, made if it is missing; its definitions are then there too.

    Raises:
        NotBuiltError: there is no Go, or it refused.
    """
    place = versions.cache() / f"kro-{versions.read().kro}"
    wanted = resource_definitions(definitions.KRO)
    if shutil.which("go") is None and not (place.exists() and wanted.exists()):
        raise NotBuiltError(_NO_GO)
    once(wanted, functools.partial(definitions.collect, definitions.KRO))
    package = f"{definitions.KRO.module}/cmd/controller@v{versions.read().kro}"
    once(place, functools.partial(install, package))
    return place


def once(place: Path, make: Callable[[Path], None]) -> None:
    """Make what belongs at a place, unless it is there or another run is just making it.

    Raises:
        NotBuiltError: what makes it ended with an error.
    """
    with _locked(place):
        if place.exists():
            return
        started = time.monotonic()
        _say(f"{place.name}: building, once for this version")
        for left in place.parent.glob(f".{place.name}-*"):
            shutil.rmtree(left)  # by a run that was killed
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as folder:
            try:
                make(Path(folder) / place.name)
            except subprocess.CalledProcessError as problem:
                command = " ".join(map(str, problem.cmd))
                raise NotBuiltError(
                    f"{place.name}: `{command}` ended with {problem.returncode}:\n{problem.stderr}"
                ) from None
            except FileNotFoundError as problem:
                raise NotBuiltError(f"{place.name}: {problem.filename} is not there: see `make components`") from None
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
    made = programs.PROGRAMS[name]
    with keda.trimmed(module(made.module)) if made.version == "keda" else contextlib.nullcontext(()) as more:
        linked = " ".join(["-s", "-w", *(f"-X {_VERSION_VARIABLES}.{key}={value}" for key, value in _stamps())])
        flags = ("-mod=readonly", "-trimpath", "-buildvcs=false", "-v", "-ldflags", linked, "-o", str(place))
        command = ("nice", "env", "CGO_ENABLED=0", "GOWORK=off", "go", "build", *more, *flags, made.package)
        with subprocess.Popen(command, cwd=module(made.module), stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            last = _follow(place.name, process.stderr)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr="\n".join(last))


def _stamps() -> Iterator[tuple[str, str]]:
    """What Kubernetes says of its version: Knative refuses to work on a server that does not."""
    kubernetes = versions.read().kubernetes
    major, minor, _ = kubernetes.split(".")
    yield "gitVersion", f"v{kubernetes}"
    yield "gitMajor", major
    yield "gitMinor", minor


def install(package: str, place: Path, *, stamps: str = "") -> None:
    """Build a program at a version with the libraries that it chose itself, which a module of ours could not.

    `stamps` are told to the linker. Raises subprocess.CalledProcessError where Go refuses.
    """
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        options = (f"GOBIN={folder}", "CGO_ENABLED=0", "GOWORK=off")
        command = ("nice", "env", *options, "go", "install", "-trimpath", "-ldflags", f"-s -w {stamps}", package)
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise subprocess.CalledProcessError(answer.returncode, command, stderr=answer.stderr)
        (made,) = Path(folder).iterdir()
        made.rename(place)


def _follow(name: str, output: IO[str]) -> list[str]:
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


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - whoever waits is told why


def main() -> None:
    """Build what is missing; exit code 3 and the reason if that cannot be."""
    try:
        build()
    except NotBuiltError as problem:
        _say(str(problem))
        sys.exit(3)


if __name__ == "__main__":
    main()
