"""A Redis server of its own, from the distribution's package. It keeps nothing on the disk."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from components import process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = "redis-server"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of a fresh server; its log is in `folder`.

    Raises:
        NotStartedError: It is not installed, or does not start.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise process.NotStartedError("Redis is not installed: run `make components`")
    port = process.free_port()
    options = {"bind": process.HOST, "port": str(port), "dir": str(folder), "save": "", "appendonly": "no"}
    server = process.Program(
        [program, *(word for name, value in options.items() for word in (f"--{name}", value))],
        log=folder / "redis.log",
        ready=lambda: process.listens(port),
    )
    try:
        server.start()
        yield f"redis://{process.HOST}:{port}/0"
    finally:
        server.stop()
