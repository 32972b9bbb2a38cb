"""Replicas that start at once: a process that has everything imported forks them, so a hundred starts cost little.

What holds here: what is forked is a process of its own with the program's own `main`, and can be killed like any other.
As a program, it reads what to start as lines of JSON, and answers each with a pid.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import harness
import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_TESTS = Path(__file__).resolve().parents[2]


@dataclass
class Child:
    """A process that the nursery has forked, to be used as `subprocess.Popen` is."""

    pid: int

    def poll(self) -> int | None:
        """None while it runs."""
        return None if psutil.pid_exists(self.pid) else 0

    def send_signal(self, sig: int) -> None:
        """Send a signal."""
        os.kill(self.pid, sig)

    def wait(self, timeout: float | None = None) -> int:
        """Return once it has ended; how is not known."""
        harness.eventually(lambda: self.poll() is not None, within=timeout or harness.DEADLINE)
        return 0


@dataclass
class Nursery:
    """Starts replicas."""

    process: subprocess.Popen[str]

    def start(self, command: Sequence[str], *, stdout: IO[bytes], stderr: IO[bytes], env: dict[str, str]) -> Child:
        """Start `python -m patternapp_operator` with the options in a command, whose output all goes to one file."""
        assert stdout is stderr
        order = {"options": command[3:], "log": stdout.name, "environment": env}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return Child(int(self.process.stdout.readline()))


@contextlib.contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery that ends with the block."""
    command = (sys.executable, "-m", "apiserver.operator.nursery")
    with subprocess.Popen(command, cwd=_TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Nursery(process)


def _serve() -> None:
    from patternapp_operator import __main__, program  # noqa: F401, PLC0415 - only this process is to have them all

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that end
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(order)
            sys.exit(__main__.main())
        print(pid, flush=True)  # noqa: T201 - the answer


def _become(order: dict[str, object]) -> None:
    """Be as if started by the order's command."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    sys.argv[1:] = order["options"]  # type: ignore[call-overload]
    log = os.open(str(order["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)


if __name__ == "__main__":
    _serve()
