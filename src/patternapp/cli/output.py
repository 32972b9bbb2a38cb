"""What commands print: JSON for programs, aligned columns for people."""

from __future__ import annotations

import enum
import json
import os
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Output(enum.StrEnum):
    """How data is printed."""

    TEXT = "text"
    JSON = "json"


def as_json(value: Any) -> None:
    """Print JSON data, indented; what a terminal would obey is written as an escape."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # Line ends are ours: inside a string they are escapes already.
    if not text.replace("\n", "").isprintable():
        text = "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
    typer.echo(text)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows below a head in aligned columns; None shows as ``-``."""
    lines = [tuple(head), *(tuple("-" if cell is None else on_one_line(str(cell)) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        typer.echo("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def styled(line: str) -> None:
    """Print a styled line; its styles are dropped where nobody would see them, and where NO_COLOR is set."""
    typer.echo(line, color=False if os.environ.get("NO_COLOR") else None)


def shown(text: str) -> str:
    """The text without what a terminal would obey: events come from anywhere."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def on_one_line(text: str) -> str:
    """The same on one line, so that nobody can add lines to a table or to a list of problems."""
    return shown(text).replace("\n", " ").replace("\t", " ")
