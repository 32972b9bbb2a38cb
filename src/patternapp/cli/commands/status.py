"""`patternapp status`: how apps on a cluster are, down to each object."""

import contextlib
import datetime as dt
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patternapp import durations
from patternapp.cli import clusters, output
from patternapp.cli.options import OutputOption
from patternapp.cli.output import Output

if TYPE_CHECKING:
    from patternapp.cluster.client import Client
    from patternapp.cluster.state import AppState

EXAMPLE = "patternapp status shop -n shop --wait"
POLL = 1.0
"""Seconds between two looks of `--watch` and `--wait`."""
CLEAR = "\x1b[2J\x1b[H"

Look = Callable[["Client"], Awaitable["list[AppState]"]]


def run(
    *,
    name: Annotated[str | None, typer.Argument(help="The app. Default: all of the namespace, as a table.")] = None,
    namespace: clusters.Namespace = None,
    context: clusters.Context = None,
    kubeconfig: clusters.Kubeconfig = None,
    lease: clusters.Lease = clusters.DEFAULT_LEASE,
    watch: Annotated[bool, typer.Option("--watch", help="Show every change until Ctrl-C.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return once the app is ready, or the timeout is over.")] = False,
    timeout: Annotated[str, typer.Option(help="How long --wait waits.", metavar="DURATION")] = "5m",
    out: OutputOption = Output.TEXT,
) -> None:
    """Show how apps on a cluster are, down to each object.

    With a name it exits with 0 where the app is ready, and with 1 where it is not, after the timeout too.
    """
    if watch and wait:
        raise typer.BadParameter("--watch and --wait exclude each other")
    if wait and name is None:
        raise typer.BadParameter("--wait needs the name of an app", param_hint="NAME")
    try:
        patience = durations.seconds(timeout) if wait else 0.0
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timeout") from error
    look = _all if name is None else _one(name, lease)
    where = {"namespace": namespace, "context": context, "kubeconfig": kubeconfig}
    if watch:
        with contextlib.suppress(KeyboardInterrupt):
            clusters.ask(lambda client: _watch(client, look, table=name is None, out=out), **where)
        return
    found = clusters.ask(lambda client: _ready(client, look, patience), **where)
    _show(found, table=name is None, out=out)
    raise typer.Exit(0 if name is None or _works(found[0]) else 1)


def _one(name: str, lease: str) -> Look:
    question = clusters.app(name, lease)

    async def look(client: "Client") -> "list[AppState]":
        return [await question(client)]

    return look


async def _all(client: "Client") -> "list[AppState]":
    from patternapp.cluster import state

    return await state.every(client)


async def _ready(client: "Client", look: Look, patience: float) -> "list[AppState]":
    """The first look at which all are ready, or the last one in time."""
    import asyncio

    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    while True:
        found = await look(client)
        if loop.time() >= end or all(_works(one) for one in found):
            return found
        await asyncio.sleep(POLL)


def _works(one: "AppState") -> bool:
    return one.ready.status == "True"


async def _watch(client: "Client", look: Look, *, table: bool, out: Output) -> None:
    """Show every look that differs from the one before."""
    import asyncio

    before: Any = None
    while True:
        found = await look(client)
        if found != before:
            if sys.stdout.isatty() and out is Output.TEXT:
                typer.echo(CLEAR, nl=False)
            elif before is not None and out is Output.TEXT:
                typer.echo()
            _show(found, table=table, out=out)
            before = found
        await asyncio.sleep(POLL)


def _show(found: "list[AppState]", *, table: bool, out: Output) -> None:
    from patternapp.cli import trees
    from patternapp.cluster import plain

    if out is Output.JSON:
        described = [plain.state(one) for one in found]
        output.as_json({"apps": described} if table else described[0])
    elif table:
        output.table(trees.HEAD, trees.rows(found, dt.datetime.now(dt.UTC)))
    else:
        for line in trees.lines(found[0]):
            output.styled(line)
