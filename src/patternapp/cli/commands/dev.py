"""`patternapp dev`: runs an app on this machine."""

import dataclasses
import logging
from pathlib import Path
from typing import Annotated

import typer

from patternapp.cli import appfile, output
from patternapp.cli.options import AppFile

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
    no_reload: Annotated[bool, typer.Option("--no-reload", help="Leave functions alone when files change.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Log what happens inside, too.")] = False,
) -> None:
    """Run an app on this machine, durably, until Ctrl-C. No cluster, no containers."""
    import uvloop

    from patternapp import durations
    from patternapp.cli import eventfile
    from patternapp.cli.dev_output import Logged, Terminal
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
    settings = Settings(
        folder=folder,
        data=(data or folder / DATA).resolve(),
        port=port,
        reload=not no_reload,
        keep=kept,
        newest=keep_events,
        once=None if once is None else eventfile.read(once),
    )
    terminal = Terminal()
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, handlers=[Logged(terminal)])
    if once is None:
        terminal.banner(plan, settings.url)
    ledger = uvloop.run(serve.run(plan, settings, file=appfile.name(file), listener=terminal))
    if once is not None:
        output.as_json(dataclasses.asdict(ledger))
        raise typer.Exit(1 if ledger.dead_lettered or ledger.pending else 0)
