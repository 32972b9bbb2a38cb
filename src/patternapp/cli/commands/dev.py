"""`patternapp dev`: runs an app on this machine."""

import dataclasses
import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patternapp.cli import appfile, output
from patternapp.cli.options import AppFile

if TYPE_CHECKING:
    from patternapp.runtime.eventing.kafka.logs import KafkaLogs

EXAMPLE = "patternapp dev app.yaml"
DATA = ".patternapp"


def run(
    file: AppFile,
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on 127.0.0.1.")] = 8700,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where all data is kept. Default: .patternapp beside FILE.")
    ] = None,
    once: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Deliver the events in this file, print the ledger as JSON, and end."),
    ] = None,
    keep: Annotated[
        str, typer.Option(metavar="TIME", help="How long events that are over are kept, such as 90m or 24h.")
    ] = "24h",
    keep_events: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of the newest events are kept at most.")
    ] = 100_000,
    kafka: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Keep queues and streams that name Kafka in this one, not in the store."
        ),
    ] = None,
    no_reload: Annotated[bool, typer.Option("--no-reload", help="Leave functions alone when files change.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Log what happens inside, too.")] = False,
) -> None:
    """Run an app on this machine, durably, until Ctrl-C. No cluster, no containers."""
    import uvloop

    from patternapp import durations
    from patternapp.cli import eventfile
    from patternapp.cli.dev_output import Logged, Terminal
    from patternapp.http import limits
    from patternapp.runtime import serve
    from patternapp.runtime.settings import Settings
    from patternapp.spec.rules import addresses

    # Loopback is the developer's own machine here; on a cluster it would be the Broker's.
    plan = appfile.plan(file, accept=(addresses.LOOPBACK,))
    folder = Path.cwd() if str(file) == appfile.STDIN else file.resolve().parent
    try:
        kept = durations.seconds(keep)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--keep") from error
    if kafka is not None and once is not None:
        raise typer.BadParameter(
            "--once knows of no end to what is in Kafka; leave out one of them", param_hint="--kafka"
        )
    logs = None if kafka is None else _kafka(kafka)
    settings = Settings(
        folder=folder,
        data=(data or folder / DATA).resolve(),
        port=port,
        reload=not no_reload,
        keep=kept,
        newest=keep_events,
        once=None if once is None else eventfile.read(once),
        limits=limits.of(os.environ),
    )
    terminal = Terminal()
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, handlers=[Logged(terminal)], format="%(message)s"
    )
    if not verbose:
        # They tell of every attempt to connect and to write; what it means is shown with the events it concerns.
        for name in ("kafka", "patternapp_services.enqueue"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    if once is None:
        terminal.banner(plan, settings.url)
    ledger = uvloop.run(serve.run(plan, settings, file=appfile.name(file), listener=terminal, kafka=logs))
    if once is not None:
        output.as_json(dataclasses.asdict(ledger))
        raise typer.Exit(1 if ledger.dead_lettered or ledger.pending else 0)


def _kafka(address: str) -> "KafkaLogs":
    """The queues and streams at an address; kafka-python is an extra."""
    from patternapp import errors
    from patternapp.spec import formats

    if re.fullmatch(formats.SERVER, address) is None:
        raise typer.BadParameter(f"write {formats.FORMATS[formats.SERVER]}, not {address!r}", param_hint="--kafka")
    try:
        from patternapp.runtime.eventing.kafka.logs import KafkaLogs
    except ModuleNotFoundError as error:
        raise errors.EnvironmentProblem(
            f"--kafka needs the package {error.name}, which is not installed; "
            "get it with: pip install 'patternapp[kafka]'"
        ) from error
    return KafkaLogs(address)
