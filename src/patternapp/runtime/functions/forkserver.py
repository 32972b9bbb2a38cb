"""The fork server: a process that has imported what every function imports, and forks one child per instance.

What holds here:

* It never imports code of the app, never starts a thread, and never has two children in one group.
* A child is signalled only between its fork and its reaping, and only by this process, so a reused process id is never
  hit. It is reaped after its group was killed, so nothing that it started is left.
* When the control socket ends, or `dev` dies in a way that does not end it, every child is killed and so is this.

Over the control socket come ``{"fork": ID}`` with the descriptors of `child.Fds`, and ``{"signal": N, "id": ID}``. Back
go ``{"id": ID, "pid": PID}``, ``{"id": ID, "refused": WHY}`` and ``{"id": ID, "exit": CODE}``, as `subprocess` has it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
from typing import Any

from patternapp.runtime.functions import child, packets

PRELOADED = (
    "concurrent.futures.thread",
    "fastapi",
    "patternapp.receiver.app",
    "patternapp.receiver.outcomes",
    "patternapp.receiver.server",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)
MOST_FDS = 5


class ForkServer:
    """Does what the control socket says. `run` returns None at the end, and in every child what it was handed."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._children: dict[int, tuple[int, int]] = {}
        """Process id and pidfd of each instance that is not reaped."""

    def run(self) -> child.Fds | None:
        """Serve until the control socket ends."""
        try:
            while True:
                for key, _ in self._selector.select():
                    if key.data is not None:
                        self._reap(key.data)
                        continue
                    packet, fds = self._receive()
                    if not packet:
                        return None
                    if (handed := self._obey(packets.unpack(packet), fds)) is not None:
                        return handed
        finally:
            self._end()

    def _receive(self) -> tuple[bytes, list[int]]:
        try:
            packet, fds, _, _ = socket.recv_fds(self._control, packets.PACKET, MOST_FDS)
        except ConnectionResetError:  # `dev` died with something unread
            return b"", []
        return packet, fds

    def _obey(self, message: Any, fds: list[int]) -> child.Fds | None:
        if "fork" in message:
            return self._fork(message["fork"], child.Fds(*fds))
        if (known := self._children.get(message["id"])) is not None:
            _signal_group(known[0], message["signal"])
        return None

    def _fork(self, number: int, fds: child.Fds) -> child.Fds | None:
        # A child that is told to end while it is still a copy of this would end its siblings too.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
        try:
            pid = os.fork()
            if pid == 0:
                self._become_child()
                return fds
        except OSError as error:
            self._tell({"id": number, "refused": f"cannot fork: {error.strerror}"})
        else:
            self._adopt(number, pid)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
        fds.close()
        return None

    def _become_child(self) -> None:
        os.setpgid(0, 0)
        for _, pidfd in self._children.values():
            os.close(pidfd)
        self._children.clear()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _adopt(self, number: int, pid: int) -> None:
        # Here as well as in the child, so that the group exists whoever comes first.
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)
        pidfd = os.pidfd_open(pid)
        self._children[number] = (pid, pidfd)
        self._selector.register(pidfd, selectors.EVENT_READ, number)
        self._tell({"id": number, "pid": pid})

    def _reap(self, number: int) -> None:
        pid, pidfd = self._children.pop(number)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        _signal_group(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        self._tell({"id": number, "exit": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: dict[str, Any]) -> None:
        # Where `dev` is gone, the end of the control socket comes next.
        with contextlib.suppress(OSError):
            self._control.sendall(packets.pack(message))

    def _end(self) -> None:
        for pid, _ in self._children.values():
            _signal_group(pid, signal.SIGKILL)
        for pid, _ in self._children.values():
            os.waitpid(pid, 0)
        self._selector.close()
        self._control.close()


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _hang_up(control: socket.socket) -> None:
    # Not by raising: an exception could come while the children are being killed, and leave some.
    with contextlib.suppress(OSError):
        control.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Serve the control socket whose descriptor and whose other end's process id are the arguments."""
    descriptor, parent = (int(text) for text in sys.argv[1:])
    child.die_with_parent(signal.SIGTERM, parent)
    for name in PRELOADED:
        with contextlib.suppress(ModuleNotFoundError):  # uvloop is not on every platform
            importlib.import_module(name)
    # What is here is kept out of collections, which would touch, and so copy, the pages that all children share.
    gc.collect()
    gc.freeze()
    server = os.getpid()
    control = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGTERM, lambda *_: _hang_up(control))
    handed = ForkServer(control).run()
    if handed is not None:
        child.run(handed, server)


if __name__ == "__main__":
    main()
