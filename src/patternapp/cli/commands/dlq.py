"""`patternapp dlq`: the dead letters of a running app."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patternapp import errors
from patternapp.cli import api, clusters, forward, groups, output
from patternapp.cli.commands import events
from patternapp.cli.options import DEFAULT_URL, OutputOption, Url
from patternapp.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

Deliveries = Annotated[
    list[int] | None, typer.Argument(metavar="DELIVERY...", help="Numbers as `dlq list` shows them.")
]
Live = Annotated[str | None, typer.Option("--live", help="The app of a cluster, instead of a `dev`.", metavar="NAME")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter.")]


def build() -> typer.Typer:
    """The command and its subcommands."""
    return groups.group(
        help_="List dead letters, deliver them again, or delete them.",
        example="patternapp dlq redrive --all",
        commands=(
            ("list", list_, "patternapp dlq list"),
            ("show", show, "patternapp dlq show 7"),
            ("redrive", redrive, "patternapp dlq redrive 7 8"),
            ("purge", purge, "patternapp dlq purge --all"),
        ),
    )


def list_(
    out: OutputOption = Output.TEXT,
    url: Url = DEFAULT_URL,
    *,
    live: Live = None,
    namespace: clusters.Namespace = None,
    context: clusters.Context = None,
    kubeconfig: clusters.Kubeconfig = None,
) -> None:
    """List the dead letters, oldest first."""
    with _client(url, live, (namespace, context, kubeconfig)) as client:
        letters = _letters(client)
    if out is Output.JSON:
        output.as_json({"deadLetters": letters})
        return
    output.table(
        ("DELIVERY", "EVENT", "TYPE", "EDGE", "ATTEMPTS", "CODE", "REASON"),
        [
            tuple(letter[name] for name in ("delivery", "event", "type", "edge", "attempts", "code", "reason"))
            for letter in letters
        ],
    )


def show(
    delivery: Annotated[int, typer.Argument(help="A number as `dlq list` shows it.")],
    out: OutputOption = Output.TEXT,
    url: Url = DEFAULT_URL,
    *,
    live: Live = None,
    namespace: clusters.Namespace = None,
    context: clusters.Context = None,
    kubeconfig: clusters.Kubeconfig = None,
) -> None:
    """Show a dead letter's event with every attempt to deliver it."""
    with _client(url, live, (namespace, context, kubeconfig)) as client:
        letter = next((letter for letter in _letters(client) if letter["delivery"] == delivery), None)
        if letter is None:
            raise errors.PatternAppError(f"there is no dead letter {delivery}; see: patternapp dlq list")
        event = client.get(f"/api/events/{letter['event']}")
    if out is Output.JSON:
        output.as_json({**letter, "event": event})
        return
    events.timeline({**event, "deliveries": [one for one in event["deliveries"] if one["delivery"] == delivery]})


def redrive(
    deliveries: Deliveries = None,
    every: All = False,
    out: OutputOption = Output.TEXT,
    url: Url = DEFAULT_URL,
    *,
    live: Live = None,
    namespace: clusters.Namespace = None,
    context: clusters.Context = None,
    kubeconfig: clusters.Kubeconfig = None,
) -> None:
    """Deliver dead letters again, each to the one receiver that failed."""
    wish, done = _wish(deliveries, every=every), 0
    failed: list[dict[str, Any]] = []
    with _client(url, live, (namespace, context, kubeconfig)) as client:
        while True:
            answer = client.post("/api/dead-letters/redrive", wish)
            done += answer["redriven"]
            failed += answer.get("failed", [])
            if (after := answer.get("after")) is None:
                break
            wish = {"all": True, "after": after}
            typer.echo(f"{done} delivered again so far, {len(failed)} not", err=True)
    _report({"redriven": done} | ({"failed": failed} if failed else {}), "to be delivered again", out)
    if failed:
        raise errors.PatternAppError(
            "\n".join(
                [f"{len(failed)} were not delivered:", *(f"{one['delivery']}: {one['reason']}" for one in failed)]
            )
        )
    _missing(done, deliveries, "are no dead letters, or of entries that the app no longer has")


def purge(
    deliveries: Deliveries = None,
    every: All = False,
    out: OutputOption = Output.TEXT,
    url: Url = DEFAULT_URL,
    *,
    live: Live = None,
    namespace: clusters.Namespace = None,
    context: clusters.Context = None,
    kubeconfig: clusters.Kubeconfig = None,
) -> None:
    """Delete dead letters. Their events and timelines stay."""
    with _client(url, live, (namespace, context, kubeconfig)) as client:
        answer = client.post("/api/dead-letters/purge", _wish(deliveries, every=every))
    _report(answer, "deleted", out)
    _missing(answer["purged"], deliveries, "are no dead letters")


@contextlib.contextmanager
def _client(url: str, live: str | None, where: tuple[str | None, str | None, str | None]) -> Iterator[api.Api]:
    """A client of a `dev`, or of the store of the app that is named."""
    if live is None:
        with api.connected(url) as client:
            yield client
        return
    namespace, context, kubeconfig = where
    place = forward.Place(app=live, namespace=namespace, context=context, kubeconfig=kubeconfig)
    with forward.forwarded(place) as address, api.connected(address) as client:
        yield client


def _letters(client: api.Api) -> list[dict[str, Any]]:
    """All dead letters; a store gives them in pages."""
    letters: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = client.get("/api/dead-letters", {"after": after or None})
        letters += page["deadLetters"]
        after = page.get("after")
    return letters


def _wish(deliveries: list[int] | None, *, every: bool) -> dict[str, Any]:
    if bool(deliveries) == every:
        raise typer.BadParameter("give either numbers of deliveries or --all", param_hint="DELIVERY...")
    return {"all": True} if every else {"deliveries": deliveries}


def _report(answer: dict[str, Any], what: str, out: Output) -> None:
    """The answer begins with one count under its name."""
    if out is Output.JSON:
        output.as_json(answer)
        return
    done = next(iter(answer.values()))
    typer.echo(f"{done} dead {'letter' if done == 1 else 'letters'} {what}")


def _missing(done: int, asked: list[int] | None, but: str) -> None:
    """Whether fewer were dealt with than were named."""
    if asked and done < len(set(asked)):
        missing = len(set(asked)) - done
        raise errors.PatternAppError(f"{missing} of those named {but}; see: patternapp dlq list")
