"""A PostgreSQL server of its own, from the distribution's package. Nothing is synced: its data dies with the tests."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components import process

if TYPE_CHECKING:
    from collections.abc import Iterator

_USER = "patternapp"
_DEBIAN = Path("/usr/lib/postgresql")
_ACCOUNT = "postgres"
_OPTIONS = {
    "listen_addresses": process.HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


def programs() -> Path | None:
    """The folder of initdb and postgres, the newest if there are several; None where it is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """The DSN of a fresh server, superuser and database `postgres` included; its log is in `folder`.

    Raises:
        NotStartedError: It is not installed, or does not start.
    """
    binaries = programs()
    if binaries is None:
        raise process.NotStartedError("PostgreSQL is not installed: run `make components`")
    # The server refuses to run as root, and its own account may enter no folder of root's.
    with tempfile.TemporaryDirectory(prefix="patternapp-postgres-") as place:
        account = _account(Path(place))
        data, port, password = Path(place) / "data", process.free_port(), secrets.token_urlsafe()
        secret = Path(place) / "password"
        secret.write_text(password)
        process.quiet(*account, str(binaries / "initdb"), *_initdb(data, secret))
        options = [f"-c{name}={value}" for name, value in {**_OPTIONS, "port": str(port)}.items()]
        server = process.Program(
            [*account, str(binaries / "postgres"), "-D", str(data), *options],
            log=folder / "postgres.log",
            ready=lambda: (data / "postmaster.pid").is_file() and _is_ready(data),
            stop_by=signal.SIGINT,
        )
        try:
            server.start()
            yield f"postgresql://{_USER}:{password}@{process.HOST}:{port}/postgres"
        finally:
            server.stop()


def _account(place: Path) -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    shutil.chown(place, _ACCOUNT, _ACCOUNT)
    return ("setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups", "--pdeathsig=KILL", "--")


def _initdb(data: Path, secret: Path) -> Iterator[str]:
    yield from ("--pgdata", str(data), "--username", _USER, "--pwfile", str(secret))
    yield from ("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions")


def _is_ready(data: Path) -> bool:
    """Whether the last line of its pid file, its state, says so."""
    return (data / "postmaster.pid").read_text().rstrip().endswith("ready")
