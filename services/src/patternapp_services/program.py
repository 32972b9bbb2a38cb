"""The program of the image: ``ROLE --config FILE`` runs one of our services until SIGTERM or SIGINT.

What holds here: a role is a line of `ROLES`, and its module is imported only when it runs. Exit code 0 after a signal,
1 where the configuration is wrong, 3 where the machine is.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pydantic

from patternapp import errors, sender
from patternapp.http import limits
from patternapp_services import addresses, logs
from patternapp_services.connections import Secrets

SECRETS = Path("/etc/patternapp/secrets")
MONITOR_PORT = 9464
"""As OpenTelemetry's Prometheus exporter has it; Knative's own proxy beside a function takes 9090 and 9091."""
RESOLVER = Path("/etc/resolv.conf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a service is started with.

    Attributes:
        config: The configuration, JSON.
        secrets: The Secrets that it may name.
        addresses: What its targets are called.
        host: The address to listen on.
        port: The port to listen on.
        monitor_port: Where health and metrics are, for a service whose own port is the public's.
        stopping: Set when it is to end.
        limits: What a client may take.
    """

    config: bytes
    secrets: Secrets
    addresses: addresses.Addresses
    host: str
    port: int
    monitor_port: int = MONITOR_PORT
    stopping: asyncio.Event
    limits: limits.Limits = limits.USUAL


Run = Callable[[Setting], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Role:
    """A service: the module whose `run` it is, and the port it has where none is chosen."""

    module: str
    port: int = 8080


ROLES = {
    "bucket-events": Role("patternapp_services.bucket_events.service"),
    "dead-letters": Role("patternapp_services.dead_letters.service"),
    "enqueue": Role("patternapp_services.enqueue.service"),
    "gateway": Role("patternapp_services.gateway.service"),
    "outbox": Role("patternapp_services.outbox.service", port=9090),
    # In a worker's Pod the function has 8080.
    "worker": Role("patternapp_services.worker.service", port=9090),
    "webhooks": Role("patternapp_services.webhooks.service"),
}


def command() -> NoReturn:
    """The program `patternapp-services`."""
    sys.exit(main())


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line names."""
    options = _parser().parse_args(arguments)
    logs.begin()
    try:
        config = _read(options.config)
        run: Run = importlib.import_module(ROLES[options.role].module).run
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(run, config, options))
    except pydantic.ValidationError as problem:
        return _refuse(1, f"{options.config}: {_first(problem)}")
    except errors.EnvironmentProblem as problem:
        return _refuse(3, str(problem))
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop is uvloop's where that is installed, as in the image."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    new_loop: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return new_loop


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="patternapp-services", description="One of PatternApp's own services.")
    parser.add_argument("role", choices=sorted(ROLES))
    parser.add_argument("--config", type=Path, required=True, help="its configuration, a JSON file")
    parser.add_argument("--secrets", type=Path, default=SECRETS, help=f"where Secrets are mounted [{SECRETS}]")
    parser.add_argument("--host", default="0.0.0.0", help="the address to listen on [all]")  # noqa: S104 - a Pod's own
    parser.add_argument("--port", type=int, help="the port to listen on [PORT, or the role's own]")
    parser.add_argument("--token", type=Path, default=sender.TOKEN, help=f"proves who sends to K_SINK [{sender.TOKEN}]")
    parser.add_argument("--monitor-port", type=int, default=MONITOR_PORT, help="health and metrics of public services")
    return parser


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise errors.EnvironmentProblem(
            f"{file} cannot be read: {error.strerror}; name the file that is there"
        ) from None


async def _run(run: Run, config: bytes, options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    default = int(os.environ.get("PORT") or ROLES[options.role].port)
    await run(
        Setting(
            config=config,
            secrets=Secrets(options.secrets),
            addresses=addresses.Addresses(
                domain=addresses.search_domain(RESOLVER), sink=os.environ.get("K_SINK", ""), token=options.token
            ),
            host=options.host,
            port=default if options.port is None else options.port,
            monitor_port=options.monitor_port,
            stopping=stopping,
            limits=limits.of(os.environ),
        )
    )


def _first(problem: pydantic.ValidationError) -> str:
    """Where the first flaw is, and what it is."""
    flaw = problem.errors()[0]
    return f"{'.'.join(str(part) for part in flaw['loc'])}: {flaw['msg']}"


def _refuse(code: int, message: str) -> int:
    logging.getLogger(__name__).error("%s", message)
    return code
