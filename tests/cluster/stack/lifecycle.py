"""A cluster's life: started and filled, asked how it is, ended.

What holds here: only the process that holds the lock of the cluster's folder is ever signalled, and it is the one that
all else of the cluster ends with.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import api, build, controlplane
from cluster.stack import addresses, building, cgroups, images, install, layout, link, state
from components import install as components
from components import process

if TYPE_CHECKING:
    from collections.abc import Callable

_TESTS = Path(__file__).resolve().parents[2]
_READY_WITHIN = 120.0
_GONE_WITHIN = 30.0
_LOOK_EVERY = 0.05
_LAST_LINES = 40


class UnfitError(Exception):
    """This machine cannot run a cluster as it is; the message says what to do."""


class FailedError(Exception):
    """The cluster did not come up; the message has the end of the log of what failed."""


def up() -> None:
    """Start the cluster and fill it, unless it is up; what an interrupted run left half done is gone on with.

    Raises:
        cluster.build.NotBuiltError: Something could not be built.
        UnfitError: This machine has not what it takes.
        FailedError: It did not come up.
    """
    place = _place()
    if controlplane.lives(place.folder) and _known():
        _say(f"up already; logs in {place.logs}")
        return
    _require_fit()
    building.build()
    tell = _Clock()
    try:
        if not controlplane.lives(place.folder):
            _start(place)
            tell("node started")
        _fill(place, tell)
    except (install.NotInstalledError, subprocess.CalledProcessError) as problem:
        raise FailedError(f"{_why(problem)}\n{_last_words(place)}") from None
    state.write(_stack(place))
    tell(f"up; logs in {place.logs}")


def down() -> None:
    """End the cluster, and remove what it had but for its logs."""
    place = _place()
    state.forget()
    if not controlplane.lives(place.folder):
        _say("none is up")
    else:
        os.kill(int(place.lock.read_text()), signal.SIGKILL)
        deadline = time.monotonic() + _GONE_WITHIN
        while controlplane.lives(place.folder):
            if time.monotonic() > deadline:
                raise FailedError(f"processes of the cluster go on; see {place.lock}")
            time.sleep(_LOOK_EVERY)
        _say("ended")
    link.remove()
    cgroups.remove()
    shutil.rmtree(place.data, ignore_errors=True)


def status() -> None:
    """Say whether it is up, where it is reached, and which Pods are not ready."""
    place = _place()
    try:
        known = state.read()
    except state.NotUpError as problem:
        _say(f"not up: {problem}; logs of the last are in {place.logs}")
        sys.exit(1)
    if not api.is_ready(api.access(known.kubeconfig)):
        raise FailedError(f"the API server does not answer\n{_last_words(place)}")
    for name in ("kubeconfig", "node", "ingress", "internal", "kafka", "redis", "containerd"):
        _say(f"{name:<11} {getattr(known, name)}")
    _say(f"{'logs':<11} {place.logs}")
    command = (str(known.kubectl), "--kubeconfig", str(known.kubeconfig), "get", "pods", "--all-namespaces")
    subprocess.run(command, check=False)


def _place() -> layout.Layout:
    return layout.Layout(state.folder())


def _known() -> bool:
    try:
        state.read()
    except state.NotUpError:
        return False
    return True


def _require_fit() -> None:
    if os.geteuid() != 0:
        raise UnfitError("a cluster needs root, for its namespaces and containers; or use `make kind-up`, with Docker")
    if missing := components.node_missing():
        raise UnfitError(f"{', '.join(missing)}: not installed; run `make components` as root")
    if not cgroups.are_version_1():
        raise UnfitError(
            "this machine has cgroups of version 2, and this deals with version 1 only: use `make kind-up`"
        )


def _start(place: layout.Layout) -> None:
    """Start the node, and link it to this machine."""
    state.forget()
    link.remove()  # of one that ended a moment ago
    try:
        link.require_free()
    except link.TakenError as problem:
        raise UnfitError(str(problem)) from None
    for folder in (place.data, place.logs):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    with (place.logs / "node.log").open("wb") as log:
        command = (sys.executable, "-m", "cluster.stack.node", str(place.folder))
        started = subprocess.Popen(
            command, cwd=_TESTS, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + _READY_WITHIN
    while (first := _first_process(started.pid)) is None:
        if started.poll() is not None or time.monotonic() > deadline:
            raise install.NotInstalledError("the node did not start")
        time.sleep(_LOOK_EVERY)
    link.make(first)


def _first_process(pid: int) -> int | None:
    """The first process of the node's namespaces, once it is in them."""
    with contextlib.suppress(FileNotFoundError):  # it ended
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if Path(f"/proc/{child}/ns/net").readlink() != Path("/proc/self/ns/net").readlink():
                return int(child)
    return None


def _fill(place: layout.Layout, tell: Callable[[str], None]) -> None:
    """Import images and apply objects at the same time, and wait until all works."""
    with futures.ThreadPoolExecutor() as pool:
        loaded = pool.submit(_load, place, tell)
        objects = _apply(place, tell)
        loaded.result()
    install.wait(api.access(place.kubeconfig("admin")), objects, tell)
    for name, port in (("Kafka", addresses.KAFKA), ("Redis", addresses.REDIS), ("Envoy", addresses.INGRESS)):
        listens = functools.partial(process.listens, port, host=addresses.NODE)
        _until(place, f"{name} takes connections", listens)


def _load(place: layout.Layout, tell: Callable[[str], None]) -> None:
    _until(place, "containerd listens", place.containerd.is_socket)
    images.load(place, tell)


def _apply(place: layout.Layout, tell: Callable[[str], None]) -> list[install.Object]:
    admin = place.kubeconfig("admin")
    _until(place, "the API server is ready", lambda: place.envoy.exists() and api.is_ready(api.access(admin)))
    tell("API server ready")
    return install.apply(api.access(admin), tell)


def _until(place: layout.Layout, what: str, check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while not check():
        if not controlplane.lives(place.folder):
            raise install.NotInstalledError("the node ended")
        if time.monotonic() > deadline:
            raise install.NotInstalledError(f"it did not come to it that {what}")
        time.sleep(_LOOK_EVERY)


def _stack(place: layout.Layout) -> state.Stack:
    return state.Stack(
        kubeconfig=place.kubeconfig("admin"),
        node=addresses.NODE,
        machine=addresses.MACHINE,
        ingress=f"http://{addresses.NODE}:{addresses.INGRESS}",
        internal=f"http://{addresses.NODE}:{addresses.INTERNAL_INGRESS}",
        kafka=f"{addresses.NODE}:{addresses.KAFKA}",
        redis=f"{addresses.NODE}:{addresses.REDIS}",
        kubectl=build.program("kubectl"),
        containerd=place.containerd,
    )


def _why(problem: Exception) -> str:
    said = getattr(problem, "stderr", None)
    return f"{problem}: {said.decode(errors='replace') if isinstance(said, bytes) else said}" if said else str(problem)


def _last_words(place: layout.Layout) -> str:
    log = place.logs / "node.log"
    lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:] if log.exists() else []
    return "\n".join([*lines, f"All logs are in {place.logs}"])


class _Clock:
    """Says lines with the seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, line: str) -> None:
        _say(f"{time.monotonic() - self._started:4.0f} s  {line}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - whoever waits is told how it goes
