"""A review as people read it: a line for each object that would not stay as it is, and below it the fields."""

from __future__ import annotations

import collections
import json
from typing import TYPE_CHECKING, Any

import typer

from patternapp.cli import output
from patternapp.cluster import difference
from patternapp.cluster.difference import Verb
from patternapp.cluster.review import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.cluster.difference import Change
    from patternapp.cluster.review import AppReview, Review

VERDICTS = {
    Verdict.CREATED: ("+", typer.colors.GREEN),
    Verdict.CHANGED: ("~", typer.colors.YELLOW),
    Verdict.DELETED: ("-", typer.colors.RED),
    Verdict.KEPT: ("=", typer.colors.CYAN),
    Verdict.FOREIGN: ("!", typer.colors.MAGENTA),
    Verdict.REFUSED: ("x", typer.colors.RED),
    Verdict.UNSERVED: ("?", typer.colors.MAGENTA),
    Verdict.SAME: (" ", None),
}
VERBS = {
    Verb.ADDED: ("+", typer.colors.GREEN),
    Verb.CHANGED: ("~", typer.colors.YELLOW),
    Verb.REMOVED: ("-", typer.colors.RED),
}
WIDTH = 60
"""Characters of a value that stand beside the other one; longer ones stand below each other."""
PAUSED = "it is paused (patternapp.dev/paused): the operator would do none of this"


def lines(found: AppReview) -> Iterator[str]:
    """The review, styled, ending in the counts."""
    reviews = [found.app, *found.objects]
    for one in reviews:
        if one.verdict is not Verdict.SAME:
            yield from _object(one)
    if found.paused:
        yield f"{found.key}: {PAUSED}"
    counts = collections.Counter(one.verdict for one in reviews)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (*VERDICTS,) if counts[verdict])
    yield f"{typer.style(str(found.key), bold=True)} (dry run): {told}"


def _object(one: Review) -> Iterator[str]:
    mark, color = VERDICTS[one.verdict]
    where = f"{one.kind.kind}{f'.{one.kind.group}' if one.kind.group else ''} {one.name}"
    message = f": {one.message}" if one.message else ""
    yield f"{typer.style(f'{mark} {where}', fg=color, bold=True)} {one.verdict}{output.shown(message)}"
    for change in one.changes:
        yield from _change(change)
    for claim in one.claims:
        text = f"! {claim.path} is also set by {claim.manager!r}; the operator takes it over"
        yield f"    {typer.style(output.shown(text), fg=typer.colors.MAGENTA)}"


def _change(change: Change) -> Iterator[str]:
    mark, color = VERBS[change.verb]
    old, new = _value(change.old), _value(change.new)
    if change.verb is not Verb.CHANGED:
        beside = f": {new if change.verb is Verb.ADDED else old}"
    elif len(old) + len(new) <= WIDTH:
        beside = f": {old} -> {new}"
    else:
        beside = ""
    yield f"    {typer.style(output.shown(f'{mark} {change.path}{beside}'), fg=color)}"
    if not beside:
        yield f"        {typer.style(output.shown(f'- {old}'), fg=typer.colors.RED)}"
        yield f"        {typer.style(output.shown(f'+ {new}'), fg=typer.colors.GREEN)}"


def _value(value: Any) -> str:
    return "" if value is difference.ABSENT else json.dumps(value, ensure_ascii=False)
