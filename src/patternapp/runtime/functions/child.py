"""What a process does from the fork until it ends: becomes one instance of one function.

What holds here:

* It dies with the fork server, however that dies; it leads its own process group, so that what it starts dies too.
* The order matters: first its own streams, folder and environment, then the first line of the app's code.
"""

from __future__ import annotations

import atexit
import ctypes
import dataclasses
import fcntl
import importlib
import json
import os
import resource
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from patternapp import errors
from patternapp.receiver import server, settings
from patternapp.runtime.functions import modules, packets, voice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

PR_SET_PDEATHSIG = 1
HIGH = 1000
"""A descriptor that connections do not reach, and yet below the usual limit of 1024."""
CANNOT_START = 127
"""The exit code of a function that told why it cannot start."""


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Be sent this signal when the parent dies, also if it has died just now (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


@dataclass(frozen=True, slots=True)
class Fds:
    """What an instance is handed, in the order in which it is sent. A command has no `listener`."""

    birth: int
    stdout: int
    stderr: int
    channel: int
    listener: int | None = None

    def close(self) -> None:
        """Close them in the process that only passed them on."""
        for descriptor in (self.birth, self.stdout, self.stderr, self.channel, self.listener):
            if descriptor is not None:
                os.close(descriptor)


def run(fds: Fds, parent: int) -> None:
    """Become the function that `fds.birth` describes; returns when it has ended by itself.

    Raises:
        SystemExit: It cannot start, or ends with a code of its own.
    """
    die_with_parent(signal.SIGKILL, parent)
    with open(fds.birth, encoding="utf-8") as file:  # noqa: PTH123 - a descriptor, not a path
        birth = json.load(file)
    _take_streams(fds)
    # Open until the very end, as what exit handlers print goes there too; and numbered beyond all connections: Linux
    # closes an ending process's descriptors from the highest down, so `dev` knows of the end before any caller does.
    high = min(HIGH, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1)
    channel = socket.socket(fileno=fcntl.fcntl(fds.channel, fcntl.F_DUPFD_CLOEXEC, high))
    os.close(fds.channel)
    os.chdir(birth["folder"])
    os.environ.clear()
    os.environ.update(birth["env"])
    if birth["command"]:
        _become(birth["command"], birth["env"], channel)
    else:
        _serve(birth, socket.socket(fileno=fds.listener), channel)


def _take_streams(fds: Fds) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (fds.stdout, 1), (fds.stderr, 2)):
        os.dup2(source, target)
        os.close(source)


def _become(command: Sequence[str], env: Mapping[str, str], channel: socket.socket) -> None:
    # Python ignores SIGPIPE; other programs expect to be ended by it.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), env)  # noqa: S606 - the command is the app's own
    except OSError as error:
        _fail(channel, f"cannot run {command[0]}: {error.strerror}")


def _serve(birth: Mapping[str, Any], listener: socket.socket, channel: socket.socket) -> None:
    folder = Path(birth["folder"])
    sys.path.insert(0, str(folder))
    sys.argv = [birth["handler"]]
    speech = voice.Voice(channel)
    speech.install()
    atexit.register(speech.end, None)  # exit handlers run from the last to the first
    modules.import_freshly(folder)
    imported = modules.Imported(folder, lambda files: channel.sendall(packets.pack({"imported": files})))
    try:
        known = settings.taken(os.environ)
        app = server.load(birth["handler"], folder=folder)
    except (server.TargetError, errors.EnvironmentProblem) as error:
        _fail(channel, str(error), describe(error.__cause__))
    imported.report()
    # uvicorn raises the signal again once it has shut down, which would skip the exit handlers.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    tagged = voice.Tagged(app, speech, served=imported.report)
    served = dataclasses.replace(known, grace=birth["grace"], linger=0.0)
    web = server.make_server(tagged, settings=served, started=lambda: channel.sendall(packets.pack({"ready": True})))
    web.run(sockets=[listener])


def _fail(channel: socket.socket, reason: str, trace: str = "") -> NoReturn:
    # The first line says it, the end of a traceback matters most, and both must fit a packet, JSON's escapes included.
    first = next(iter(reason.splitlines()), "")
    channel.sendall(packets.pack({"failed": first[:1000], "traceback": trace[-packets.LINE // 8 :]}))
    raise SystemExit(CANNOT_START)


def describe(error: BaseException | None) -> str:
    """The traceback as the app's author wants it: from their first line on, not from ours."""
    if error is None:
        return ""
    return "".join(traceback.format_exception(type(error), error, _theirs(error.__traceback__)))


def _theirs(trace: TracebackType | None) -> TracebackType | None:
    machinery = ("<frozen importlib", server.__file__, importlib.__file__)
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(machinery):
        trace = trace.tb_next
    return trace
