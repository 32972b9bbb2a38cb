"""`patternapp events`: what a running app accepted, and what became of it."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patternapp.cli import api, output
from patternapp.cli.options import DEFAULT_URL, OutputOption, Url
from patternapp.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE = "patternapp events --type shop.order.placed --follow"

POLL = 0.5
"""Seconds between two looks of `--follow`."""
HEAD = ("EVENT", "ACCEPTED", "TYPE", "SOURCE", "SUBJECT", "DELIVERIES")


def run(
    *,
    seq: Annotated[int | None, typer.Argument(metavar="EVENT", help="Show this event's timeline.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only events of this type.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many.")] = 50,
    after: Annotated[int | None, typer.Option(min=0, help="The first after this event instead.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with new events until Ctrl-C.")] = False,
    ledger: Annotated[bool, typer.Option("--ledger", help="Count what became of all events.")] = False,
    out: OutputOption = Output.TEXT,
    url: Url = DEFAULT_URL,
) -> None:
    """List a running app's events, or show the timeline of one."""
    if sum((seq is not None, follow, ledger)) > 1:
        raise typer.BadParameter("an event's number, --follow and --ledger exclude each other")
    query = {"limit": limit, "after": after, "type": type_}
    show: Callable[[dict[str, Any]], None]
    with api.connected(url) as client:
        if follow:
            _follow(client, query, out)
            return
        if ledger:
            found, show = client.get("/api/ledger"), _ledger
        elif seq is not None:
            found, show = client.get(f"/api/events/{seq}"), timeline
        else:
            found, show = client.get("/api/events", query), _list
    if out is Output.JSON:
        output.as_json(found)
    else:
        show(found)


def timeline(event: dict[str, Any]) -> None:
    """Print one event: attributes, data, each delivery with its attempts, and what functions printed."""
    typer.echo(f"event {event['seq']}  accepted {event['acceptedAt']}  from {event['origin']}")
    for name, value in event["attributes"].items():
        _line(f"  {name}: {value}")
    data = event["dataBase64"] if "dataBase64" in event else event.get("data")
    if data is not None:
        _line(f"  data: {data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)}")
    for delivery in event["deliveries"]:
        reason = f": {delivery['reason']}" if delivery.get("reason") else ""
        _line(f"delivery {delivery['delivery']}  {delivery['edge']}  {delivery['state']}{reason}")
        for attempt in delivery["attempts"]:
            result = " ".join(str(attempt[part]) for part in ("code", "error") if attempt[part] is not None)
            _line(
                f"  attempt {attempt['number']}  {attempt['startedAt']}  {attempt['seconds'] * 1000:.1f} ms  {result}"
            )
            if attempt["body"]:
                _line(f"    {attempt['body']}")
    for log in event["logs"]:
        _line(f"{log['at']}  {log['function']}  {log['line']}")
    for reply in event["replies"]:
        typer.echo(f"reply: event {reply}")


def _ledger(counts: dict[str, Any]) -> None:
    output.table(("EVENTS", "COUNT"), [(name.replace("_", " "), count) for name, count in counts.items()])


def _list(found: dict[str, Any]) -> None:
    output.table(HEAD, map(_row, found["events"]))


def _follow(client: api.Api, query: dict[str, Any], out: Output) -> None:
    """Print events as they come, one a line."""
    try:
        while True:
            found = client.get("/api/events", query)["events"]
            for event in found:
                _line(
                    json.dumps(event)
                    if out is Output.JSON
                    else "   ".join("-" if cell is None else str(cell) for cell in _row(event))
                )
            query["after"] = found[-1]["seq"] if found else query["after"] or 0
            if not found:
                time.sleep(POLL)
    except KeyboardInterrupt:
        return


def _row(event: dict[str, Any]) -> tuple[Any, ...]:
    deliveries = ", ".join(f"{one['edge']} {one['state']}" for one in event["deliveries"])
    names = ("seq", "acceptedAt", "type", "source", "subject")
    return (*(event[name] for name in names), deliveries or "unmatched")


def _line(text: str) -> None:
    typer.echo(output.shown(text))
