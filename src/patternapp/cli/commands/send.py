"""`patternapp send`: events for a running app, given as options or as a file."""

import urllib.parse
from pathlib import Path
from typing import Annotated

import typer

from patternapp.cli import api, output
from patternapp.cli.options import DEFAULT_URL, OutputOption, Url
from patternapp.cli.output import Output

EXAMPLE = """patternapp send shop.order.placed --data '{"order": 7}'"""


def run(
    *,
    type_: Annotated[str | None, typer.Argument(metavar="TYPE", help="The event's type.")] = None,
    data: Annotated[str | None, typer.Option(help="JSON, or @FILE for a file's content.")] = None,
    source: Annotated[str, typer.Option(help="The event's source.")] = "/patternapp/send",
    id_: Annotated[str | None, typer.Option("--id", help="The event's id. Default: a new one.")] = None,
    subject: Annotated[str | None, typer.Option(help="The event's subject.")] = None,
    extension: Annotated[list[str] | None, typer.Option("-e", metavar="NAME=VALUE", help="An extension.")] = None,
    topic: Annotated[str | None, typer.Option(help="Append to this topic of a stream, not to the Broker.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Send so many, each with its own id.")] = 1,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Send the events in this file: JSON, or one a line.", readable=False),
    ] = None,
    out: OutputOption = Output.TEXT,
    url: Url = DEFAULT_URL,
) -> None:
    """Send events to a running app."""
    from patternapp import cloudevents
    from patternapp.cli import compose, eventfile

    if (type_ is None) == (file is None):
        raise typer.BadParameter("give either a TYPE or --file", param_hint="TYPE")
    if id_ is not None and count > 1:
        raise typer.BadParameter("events with the same id are the same event; leave out --id or --count")
    if file is not None:
        events = eventfile.read(file)
    else:
        optional = {"id": id_, "subject": subject, **_extensions(extension or [])}
        given = {name: value for name, value in optional.items() if value is not None}
        events = compose.events({"type": type_ or "", "source": source, **given}, data, count=count)
    path = "/events" if topic is None else f"/topics/{urllib.parse.quote(topic, safe='')}"
    messages = [cloudevents.encode_structured(event) for event in events]
    sent = []
    with api.connected(url) as client:
        for event, (headers, body) in zip(events, messages, strict=True):
            sent.append({"event": client.send(path, headers, body), "id": event.attributes["id"]})
            if out is Output.TEXT:
                typer.echo(output.shown(f"{sent[-1]['id']} accepted as event {sent[-1]['event']}"))
    if out is Output.JSON:
        output.as_json({"sent": sent})


def _extensions(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="-e")
        found[name] = value
    return found
