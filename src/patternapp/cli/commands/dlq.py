"""`patternapp dlq`: the dead letters of a running app."""

from typing import Annotated, Any

import typer

from patternapp import errors
from patternapp.cli import api, output
from patternapp.cli.commands import events
from patternapp.cli.options import DEFAULT_URL, OutputOption, Url
from patternapp.cli.output import Output

Deliveries = Annotated[
    list[int] | None, typer.Argument(metavar="DELIVERY...", help="Numbers as `dlq list` shows them.")
]
All = Annotated[bool, typer.Option("--all", help="Every dead letter.")]


def build() -> typer.Typer:
    """The command and its subcommands."""
    app = typer.Typer(
        help="List dead letters, deliver them again, or delete them.",
        epilog="Example: patternapp dlq redrive --all",
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    app.command("list", epilog="Example: patternapp dlq list")(list_)
    app.command("show", epilog="Example: patternapp dlq show 7")(show)
    app.command("redrive", epilog="Example: patternapp dlq redrive 7 8")(redrive)
    app.command("purge", epilog="Example: patternapp dlq purge --all")(purge)
    return app


def list_(out: OutputOption = Output.TEXT, url: Url = DEFAULT_URL) -> None:
    """List the dead letters, oldest first."""
    with api.connected(url) as client:
        found = client.get("/api/dead-letters")
    if out is Output.JSON:
        output.as_json(found)
        return
    output.table(
        ("DELIVERY", "EVENT", "TYPE", "EDGE", "ATTEMPTS", "CODE", "REASON"),
        [
            tuple(letter[name] for name in ("delivery", "event", "type", "edge", "attempts", "code", "reason"))
            for letter in found["deadLetters"]
        ],
    )


def show(
    delivery: Annotated[int, typer.Argument(help="A number as `dlq list` shows it.")],
    out: OutputOption = Output.TEXT,
    url: Url = DEFAULT_URL,
) -> None:
    """Show a dead letter's event with every attempt to deliver it."""
    with api.connected(url) as client:
        letters: list[dict[str, Any]] = client.get("/api/dead-letters")["deadLetters"]
        letter = next((letter for letter in letters if letter["delivery"] == delivery), None)
        if letter is None:
            raise errors.PatternAppError(f"there is no dead letter {delivery}; see: patternapp dlq list")
        event = client.get(f"/api/events/{letter['event']}")
    if out is Output.JSON:
        output.as_json({**letter, "event": event})
        return
    events.timeline({**event, "deliveries": [one for one in event["deliveries"] if one["delivery"] == delivery]})


def redrive(deliveries: Deliveries = None, every: All = False, url: Url = DEFAULT_URL) -> None:
    """Deliver dead letters again, each to the one receiver that failed."""
    with api.connected(url) as client:
        done = client.post("/api/dead-letters/redrive", _wish(deliveries, every=every))["redriven"]
    _report(
        done, deliveries, "to be delivered again", but="are no dead letters, or of entries that the app no longer has"
    )


def purge(deliveries: Deliveries = None, every: All = False, url: Url = DEFAULT_URL) -> None:
    """Delete dead letters. Their events and timelines stay."""
    with api.connected(url) as client:
        done = client.post("/api/dead-letters/purge", _wish(deliveries, every=every))["purged"]
    _report(done, deliveries, "deleted", but="are no dead letters")


def _wish(deliveries: list[int] | None, *, every: bool) -> dict[str, Any]:
    if bool(deliveries) == every:
        raise typer.BadParameter("give either numbers of deliveries or --all", param_hint="DELIVERY...")
    return {"all": True} if every else {"deliveries": deliveries}


def _report(done: int, asked: list[int] | None, what: str, *, but: str) -> None:
    typer.echo(f"{done} dead {'letter' if done == 1 else 'letters'} {what}")
    if asked and done < len(set(asked)):
        missing = len(set(asked)) - done
        raise errors.PatternAppError(f"{missing} of those named {but}; see: patternapp dlq list")
