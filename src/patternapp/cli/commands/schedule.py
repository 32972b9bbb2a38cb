"""`patternapp schedule`: the scheduled jobs of a running app."""

import urllib.parse
from typing import Annotated

import typer

from patternapp.cli import api, groups, output
from patternapp.cli.options import DEFAULT_URL, OutputOption, Url
from patternapp.cli.output import Output


def build() -> typer.Typer:
    """The command and its subcommands."""
    return groups.group(
        help_="List scheduled jobs, or run one now.",
        example="patternapp schedule run nightly-backup",
        commands=(
            ("list", list_, "patternapp schedule list"),
            ("run", run, "patternapp schedule run nightly-backup"),
        ),
    )


def list_(out: OutputOption = Output.TEXT, url: Url = DEFAULT_URL) -> None:
    """List the schedules with their last and next times."""
    with api.connected(url) as client:
        found = client.get("/api/schedules")
    if out is Output.JSON:
        output.as_json(found)
        return
    output.table(
        ("NAME", "CRON", "TIME ZONE", "FUNCTION", "LAST", "NEXT"),
        [
            tuple(one[name] for name in ("name", "cron", "timeZone", "function", "last", "next"))
            for one in found["schedules"]
        ],
    )


def run(
    name: Annotated[str, typer.Argument(help="The schedule.")],
    out: OutputOption = Output.TEXT,
    url: Url = DEFAULT_URL,
) -> None:
    """Fire a schedule now, beside its own times."""
    with api.connected(url) as client:
        fired = client.post(f"/api/schedules/{urllib.parse.quote(name, safe='')}/run", {})
    if out is Output.JSON:
        output.as_json(fired)
    else:
        typer.echo(f"{name} fired as event {fired['event']}; see: patternapp events {fired['event']}")
