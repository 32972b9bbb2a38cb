"""Start and stop a control plane: one for as long as a block runs, or one that stays until it is told to go.

What holds here: only the process of `cluster.supervisor` is ever started or signalled, and it is known to be that one
because it holds a lock for as long as it lives.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster import build, versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TESTS = Path(__file__).resolve().parents[1]
_GONE_WITHIN = 30.0
_LOOK_EVERY = 0.05


class StartError(Exception):
    """The control plane did not start; the message has the end of the log of what failed."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane.

    Attributes:
        url: The API server.
        kubeconfig: The access of a member of `system:masters`.
        pids: The programs' process ids, by name; none where the programs are not ours.
    """

    url: str
    kubeconfig: Path
    pids: Mapping[str, int]


@contextlib.contextmanager
def running() -> Iterator[ControlPlane]:
    """A control plane of one's own, gone after the block or with the process that asked for it.

    Raises:
        build.NotBuiltError: it is not built.
        StartError: it did not start.
    """
    build.require()
    # The supervisor removes the folder, so it goes even if this process is killed. Leaving the block closes the
    # supervisor's input, which tells it to end, and waits until it has. It has a session of its own: an interrupt
    # at the terminal is for this process, which then ends it in order.
    command = _supervisor(Path(tempfile.mkdtemp(prefix="patternapp-")), "--attached")
    with subprocess.Popen(
        command, cwd=_TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        yield _started(process.stdout.readline())


def up() -> ControlPlane:
    """Start the control plane that stays, unless it runs already.

    Raises:
        build.NotBuiltError: it is not built.
        StartError: it did not start.
    """
    build.require()
    folder = lasting()
    if lives(folder):
        state = folder / "state.json"
        return _started(state.read_text() if state.exists() else '{"error": "it is just being started"}')
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = _supervisor(folder)
    answer = subprocess.run(
        command, cwd=_TESTS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
    )
    return _started(answer.stdout)


def down() -> bool:
    """Stop the control plane that stays; whether there was one."""
    folder = lasting()
    alive = lives(folder)
    if alive:
        os.kill(int((folder / "lock").read_text()), signal.SIGTERM)
        deadline = time.monotonic() + _GONE_WITHIN
        while lives(folder) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
    shutil.rmtree(folder, ignore_errors=True)
    return alive


def lasting() -> Path:
    """The folder of the control plane that stays."""
    return versions.cache() / "run" / "apiserver"


def _supervisor(folder: Path, *options: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "cluster.supervisor", str(folder), *options)


def _started(line: str) -> ControlPlane:
    """What the supervisor said."""
    state: dict[str, Any] = json.loads(line) if line else {"error": "the supervisor ended without a word"}
    if "error" in state:
        raise StartError(state["error"])
    return ControlPlane(state["url"], Path(state["kubeconfig"]), state["pids"])


def lives(folder: Path) -> bool:
    """Whether a process holds the file `lock` of a folder."""
    try:
        lock = (folder / "lock").open()
    except FileNotFoundError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def main() -> None:
    """`up` prints the kubeconfig's path, `down` stops it."""
    parser = argparse.ArgumentParser(prog="python -m cluster.controlplane")
    parser.add_argument("command", choices=("up", "down"))
    if parser.parse_args().command == "down":
        print("stopped" if down() else "none was running")  # noqa: T201 - a command's answer
        return
    try:
        build.build()
        print(up().kubeconfig)  # noqa: T201 - a command's answer
    except (build.NotBuiltError, StartError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
