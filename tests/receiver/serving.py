"""A real `patternapp serve` in a process of its own, and raw sockets to say to it what no client library would."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import textwrap
from typing import TYPE_CHECKING

import harness
import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTEXT = b"ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /test\r\nce-type: ping\r\n"
HEAD = b"POST / HTTP/1.1\r\nHost: test\r\n" + CONTEXT
EVENT = HEAD + b"Content-Length: 2\r\n\r\n{}"
PING = """
    from patternapp.receiver import Receiver

    app = Receiver()

    @app.on("ping")
    async def ping(data: bytes) -> None:
        print("handled", data.decode(), flush=True)
"""


class Port:
    """A port of this machine, and what a client may say to it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=harness.DEADLINE)

    def say(self, *pieces: bytes) -> bytes:
        """All that is answered to these bytes until the server ends the connection."""
        with self.connect() as connection:
            with contextlib.suppress(OSError):  # it may have refused before all was said
                for piece in pieces:
                    connection.sendall(piece)
            return read_all(connection)

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=harness.DEADLINE)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status


class Served(Port):
    """A running function."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, output: Path) -> None:
        super().__init__(port)
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    @property
    def handled(self) -> int:
        """How many events a handler was called with."""
        return self.output.count("handled")

    def memory(self) -> int:
        """Bytes resident."""
        size: int = psutil.Process(self.process.pid).memory_info().rss
        return size

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(harness.DEADLINE)


@contextlib.contextmanager
def serving(
    folder: Path, *options: str, app: str = PING, target: str = "fn:app", env: dict[str, str] | None = None
) -> Iterator[Served]:
    """The module `app` as ``fn.py``, served until the block ends."""
    folder.mkdir(exist_ok=True)
    (folder / "fn.py").write_text(textwrap.dedent(app))
    output = folder / "output.log"
    port = harness.free_port()
    with output.open("wb") as log:
        process = subprocess.Popen(
            [*harness.PATTERNAPP, "serve", target, "--host", "127.0.0.1", "--port", str(port), *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        )
    served = Served(process, port, output)

    def up() -> bool:
        assert process.poll() is None, served.output
        try:
            return served.get("/healthz") == 200
        except OSError:
            return False

    try:
        harness.eventually(up)
        yield served
    finally:
        process.kill()
        process.wait()


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side ends the connection."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            said += piece
    return said


def dripped(connection: socket.socket) -> bytes:
    """What is answered first to bytes that come one by one, some in a second."""
    connection.settimeout(0.05)
    said = b""

    def drip() -> bytes:
        nonlocal said
        with contextlib.suppress(TimeoutError):
            said += connection.recv(1000)
        if not said:
            connection.sendall(b"x")
        return said

    harness.eventually(drip)
    return said


def read_head(connection: socket.socket) -> bytes:
    """What comes until the first answer's headers are complete."""
    said = b""
    while b"\r\n\r\n" not in said:
        piece = connection.recv(65536)
        assert piece, said
        said += piece
    return said


def statuses(said: bytes) -> list[int]:
    """The statuses of the answers, 100 Continue among them."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]
