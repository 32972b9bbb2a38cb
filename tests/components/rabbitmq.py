"""A RabbitMQ broker of its own, from the distribution's package, with a port mapper of its own beside it."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from components import process

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The script below the package's own, which would change to another account and folder."""
_CONFIG = """\
listeners.tcp.1 = {host}:{port}
default_user = patternapp
default_pass = {password}
log.console = true
log.file = false
"""


class Broker:
    """The broker in a folder; its URL stays the same over restarts."""

    def __init__(self, folder: Path) -> None:
        port, mapper, distribution = (process.free_port() for _ in range(3))
        password = secrets.token_hex()
        self.url = f"amqp://patternapp:{password}@{process.HOST}:{port}/"
        config = folder / "rabbitmq.conf"
        config.write_text(_CONFIG.format(host=process.HOST, port=port, password=password))
        env = {"ERL_EPMD_PORT": str(mapper), "ERL_EPMD_ADDRESS": process.HOST, "HOME": str(folder)}
        # Left to itself the broker would start a mapper that outlives it.
        self._mapper = process.Program(
            ["epmd"], log=folder / "epmd.log", env=env, ready=lambda: process.listens(mapper)
        )
        self._broker = process.Program(
            [str(PROGRAM)],
            log=folder / "rabbitmq.log",
            env={
                **env,
                "RABBITMQ_NODENAME": f"test{port}@localhost",
                "RABBITMQ_DIST_PORT": str(distribution),
                "RABBITMQ_CONFIG_FILE": str(config),
                "RABBITMQ_CONF_ENV_FILE": "/dev/null",
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
                "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
                "RABBITMQ_LOG_BASE": str(folder),
                "RABBITMQ_PID_FILE": str(folder / "pid"),
                # What systemd wants too: the script becomes the broker, so a signal reaches it.
                "RUNNING_UNDER_SYSTEMD": "true",
                # Wait for work without burning the cores of the tests, on one scheduler.
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +S 1:1 -kernel inet_dist_use_interface {127,0,0,1}",
            },
            ready=lambda: process.listens(port),
        )

    def start(self) -> None:
        """Start it, for the first time or again; returns once it takes connections."""
        if not self._mapper.alive:
            self._mapper.start()
        self._broker.start()

    def ensure_running(self) -> None:
        """Start it if it is not running."""
        if not self._broker.alive:
            self._broker.start()

    def stop(self) -> None:
        """Stop it in order."""
        self._broker.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._broker.kill()

    def close(self) -> None:
        """End it and all that belongs to it."""
        self._broker.stop()
        self._mapper.stop()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """A fresh broker whose data and log are in an empty folder.

    Raises:
        NotStartedError: It is not installed, or does not start.
    """
    if not PROGRAM.exists():
        raise process.NotStartedError("RabbitMQ is not installed: run `make components`")
    broker = Broker(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.close()
