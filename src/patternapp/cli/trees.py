"""States of apps as people read them: a table of many, a tree of one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import typer

from patternapp.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from patternapp.cluster.readiness import Readiness
    from patternapp.cluster.state import AppState, ObjectState

HEAD = ("NAME", "READY", "REASON", "AGE", "FUNCTIONS", "URL")
MARKS = {"True": ("✓", typer.colors.GREEN), "False": ("✗", typer.colors.RED), "Unknown": ("?", typer.colors.YELLOW)}
AGES = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def rows(apps: Sequence[AppState], now: dt.datetime) -> Iterator[tuple[str | None, ...]]:
    """A row for each app, as `HEAD` names it."""
    for one in apps:
        able = sum(ready for _, ready, _ in one.functions)
        yield (
            one.key.name,
            one.ready.status,
            one.ready.reason,
            age(one.created, now),
            f"{able}/{len(one.functions)}",
            one.url,
        )


def age(created: str, now: dt.datetime) -> str:
    """How long ago, in the largest whole unit, such as ``3h``."""
    seconds = max((now - dt.datetime.fromisoformat(created)).total_seconds(), 0)
    return next((f"{int(seconds // size)}{unit}" for size, unit in AGES if seconds >= size), "0s")


def lines(one: AppState) -> Iterator[str]:
    """An app, its patterns and their objects, styled."""
    yield f"{_mark(one.ready, one.key.name)}  namespace {one.key.namespace}"
    if one.ready.status != "True":
        yield from (f"  {line}" for line in output.shown(one.ready.message).splitlines())
    for note in one.notes:
        yield f"  {typer.style(f'! {output.shown(note)}', fg=typer.colors.MAGENTA)}"
    if one.url is not None:
        yield f"  gateway: {output.shown(one.url)}"
    for end in one.dead_letters:
        yield f"  dead letters: {output.shown(end)}"
    for number, part in enumerate(one.parts):
        last = number == len(one.parts) - 1
        yield f"{'└─' if last else '├─'} {_mark(part.readiness, part.pattern, reason=False)}"
        for place, item in enumerate(part.objects):
            stem = "   " if last else "│  "
            branch = "└─" if place == len(part.objects) - 1 else "├─"
            yield f"{stem}{branch} {_object(item)}"


def _object(one: ObjectState) -> str:
    told = one.readiness
    beside = " ".join((told.message if told.status != "True" else one.url or "").split())
    return f"{_mark(told, str(one.ref))}  {output.shown(beside)}".rstrip()


def _mark(told: Readiness, name: str, *, reason: bool = True) -> str:
    """A mark in the state's color, the name, and why it is not ready."""
    mark, color = MARKS[told.status]
    why = f"  {typer.style(output.shown(told.reason), fg=color)}" if reason and told.status != "True" else ""
    return f"{typer.style(mark, fg=color, bold=True)} {typer.style(output.shown(name), bold=True)}{why}"
