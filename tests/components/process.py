"""A server program of a test: started, waited for, stopped by its pid, never left behind.

What holds here:

* Whatever is started ends with the test run, even with one that is killed: Linux ends it with its parent.
* A port is none that the system gives to a connection by itself. On loopback a client that tries again and again
  would otherwise one day be given the very port it calls, and talk to itself while the server is away.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

HOST = "127.0.0.1"
READY_WITHIN = 120.0
STOPPED_WITHIN = 60.0
_LOOK_EVERY = 0.05
_LAST_LINES = 30
_PORTS = range(20_000, 32_000)
"""Below what Linux gives to outgoing connections."""
_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")


class NotStartedError(Exception):
    """A program ended, or was not ready in time; the message has the end of its log."""


def free_port() -> int:
    """A port on which nobody listens now."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def listens(port: int, *, host: str = HOST) -> bool:
    """Whether somebody takes connections on this port."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


class Program:
    """One program; it can be stopped or killed and started again, with the same command on the same data.

    Args:
        command: The program and its arguments.
        log: Where its output is appended.
        ready: Whether it does its work already.
        env: Variables beside those of this process.
        stop_by: The signal that stops it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        stop_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        bound = _WITH_PARENT if shutil.which(_WITH_PARENT[0]) else ()
        self._command = (*bound, *command)
        self._log = log
        self._ready = ready
        self._env = {**os.environ, **(env or {})}
        self._stop_by = stop_by
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self._command[0]} was not started")
        return self._process

    def start(self) -> None:
        """Start it, and return once it is ready.

        Raises:
            NotStartedError: It is not.
        """
        self.launch()
        deadline = time.monotonic() + READY_WITHIN
        while not self._ready():
            if not self.alive or time.monotonic() > deadline:
                raise NotStartedError(self.why())
            time.sleep(_LOOK_EVERY)  # between two looks at another process

    def launch(self) -> None:
        """Start it, and do not wait."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                # A terminal's Ctrl-C is for the tests, which then stop it in order.
                start_new_session=True,
            )

    def why(self) -> str:
        """What became of it, and the end of its log."""
        ended = self._running.poll()
        state = "is not ready in time" if ended is None else f"ended with {ended}"
        last = self._log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return f"{' '.join(self._command[-3:])}: {state}\n" + "\n".join(last)

    def stop(self) -> None:
        """Stop it in order; kill it where that takes too long. Nothing happens where it has ended."""
        if not self.alive:
            return
        self._running.send_signal(self._stop_by)
        try:
            self._running.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self._running.kill()
        self._running.wait()

    def pause(self) -> None:
        """Let it do nothing, its connections kept, until `resume`."""
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running.send_signal(signal.SIGCONT)


def quiet(*command: str) -> None:
    """Run a command to its end.

    Raises:
        NotStartedError: It failed; the message has its output.
    """
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotStartedError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
