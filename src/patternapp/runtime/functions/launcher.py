"""`dev`'s side of the fork server: starts processes, signals them, and knows when they ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from patternapp.runtime.functions import packets
from patternapp.runtime.functions.model import StartFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

FORK_SERVER = "patternapp.runtime.functions.forkserver"


class Process:
    """A process of the fork server.

    Attributes:
        pid: Its id, once it was forked; a `StartFailed` where that cannot be.
        exited: Its exit code, once it and its group are gone: negative for a signal, as `subprocess` has it.
    """

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        self.pid: asyncio.Future[int] = loop.create_future()
        self.exited: asyncio.Future[int] = loop.create_future()

    def heard(self, message: dict[str, Any]) -> bool:
        """Take what the fork server says of it; whether it was the last word."""
        if "pid" in message:
            self.pid.set_result(message["pid"])
            return False
        self.lost(message.get("refused", ""), message.get("exit", -signal.SIGKILL))
        return True

    def lost(self, why: str, code: int) -> None:
        """It is gone, or never was."""
        if not self.pid.done():
            self.pid.set_exception(StartFailed(why))
            self.pid.exception()  # an instance that is being stopped does not ask
        self.exited.set_result(code)


class Launcher:
    """Runs one fork server, from the first use on; one that died is replaced at the next."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._processes: dict[int, Process] = {}
        self._outbox: deque[tuple[bytes, Sequence[int]]] = deque()
        self._count = 0

    @property
    def pid(self) -> int | None:
        """The fork server's process id."""
        return None if self._server is None else self._server.pid

    def warm(self) -> None:
        """Start the fork server, so that it has its imports done when it is needed."""
        if self._control is not None:
            return
        if self._server is not None:
            self._server.kill()  # its end of the socket is closed, so it ends anyway
            self._server.wait()
        ours, theirs = packets.pair()
        with theirs:
            # -P: the working directory is not for imports, so nothing of the app is imported in the fork server. A
            # session of its own keeps the terminal's Ctrl-C for `dev` alone.
            self._server = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", FORK_SERVER, str(theirs.fileno()), str(os.getpid())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        ours.setblocking(False)
        self._control = ours
        asyncio.get_running_loop().add_reader(ours, self._hear)

    def fork(self, fds: Sequence[int]) -> Process:
        """A new process with these descriptors, `child.Fds` in order; they are closed here."""
        self.warm()
        self._count += 1
        process = Process(self._count, asyncio.get_running_loop())
        self._processes[process.number] = process
        self._send({"fork": process.number}, fds)
        return process

    def signal(self, process: Process, number: signal.Signals) -> None:
        """Signal a process and all of its group, unless it has ended."""
        if process.number in self._processes:
            self._send({"signal": int(number), "id": process.number})

    async def stop(self) -> None:
        """End the fork server, and with it every process that is left."""
        self._hang_up()
        if self._server is not None:
            await asyncio.to_thread(self._server.wait)
            self._server = None

    def _send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        self._outbox.append((packets.pack(message), fds))
        self._flush()

    def _flush(self) -> None:
        control = self._control
        if control is None:
            return
        loop = asyncio.get_running_loop()
        while self._outbox:
            packet, fds = self._outbox[0]
            try:
                socket.send_fds(control, [packet], fds)
            except BlockingIOError:
                loop.add_writer(control, self._flush)
                return
            except OSError:
                self._hang_up()
                return
            self._outbox.popleft()
            _close(fds)
        loop.remove_writer(control)

    def _hear(self) -> None:
        if self._control is None:
            return
        try:
            packet = self._control.recv(packets.PACKET)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        if not packet:
            self._hang_up()
            return
        message = packets.unpack(packet)
        if isinstance(message, dict) and self._processes[message["id"]].heard(message):
            del self._processes[message["id"]]

    def _hang_up(self) -> None:
        """Let go of the control socket: that ends the fork server, which takes every process along."""
        if self._control is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._control)
            loop.remove_writer(self._control)
            self._control.close()
            self._control = None
        for _, fds in self._outbox:
            _close(fds)
        self._outbox.clear()
        processes = list(self._processes.values())
        self._processes.clear()
        for process in processes:
            process.lost("the fork server has ended", -signal.SIGKILL)


def _close(fds: Sequence[int]) -> None:
    for descriptor in fds:
        os.close(descriptor)
