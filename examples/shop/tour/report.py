"""What the tour prints: a line for each step as it is done, the table, and what to do next."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from tour import steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from tour.client import Tour

ROOM = 72
"""What the rest of the table needs beside the longest path, to be read with ease."""
HEADS = ("What went in", "What came out", "Where to look")
RIGHT, WRONG = "[green]✔[/]", "[red]✘[/]"
PORT = "8700"
"""Where the commands of `patternapp` look when they are not told."""


def line(row: steps.Row) -> str:
    """A step that is done, in one line."""
    if row.problem is None:
        return f"  {RIGHT} {row.step.pattern} [dim]{row.seconds:.1f} s[/]"
    return f"  {WRONG} {row.step.pattern}: {escape(row.problem)}"


def table(rows: Iterable[steps.Row], tour: Tour, *, width: int) -> Table:
    """All steps, in the order of the patterns, for a terminal of that width."""
    order = (steps.ORDERS, *steps.OTHERS, steps.LEDGER)
    ordered = sorted(rows, key=lambda row: order.index(row.step))
    longest = max(len(steps.place(where, tour)) for row in ordered for where in row.step.where)
    wide = width - longest >= ROOM
    shown = Table(box=box.HORIZONTALS, show_lines=True, pad_edge=False, border_style="dim", expand=True)
    shown.add_column("")
    shown.add_column("Pattern", style="bold", max_width=len("Event-driven:") if wide else None)
    if wide:
        for head in HEADS[:-1]:
            shown.add_column(head, ratio=1, overflow="fold")
        # Never folded, so that a path or a URL can be clicked and copied.
        shown.add_column(HEADS[-1], no_wrap=True)
    else:
        shown.add_column(", ".join((HEADS[0], *map(str.lower, HEADS[1:]))), ratio=1, overflow="fold")
    for row in ordered:
        cells = _cells(row, tour)
        right = RIGHT if row.problem is None else WRONG
        shown.add_row(right, row.step.pattern, *(cells if wide else ("\n".join(cells),)))
    return shown


def _cells(row: steps.Row, tour: Tour) -> tuple[str, str, str]:
    came_out = escape(row.came_out) if row.problem is None else f"[red]{escape(row.problem)}[/]"
    places = "\n".join(escape(steps.place(where, tour)) for where in row.step.where)
    return row.step.went_in, came_out, f"[cyan]{places}[/]"


def next_steps(console: Console, tour: Tour) -> None:
    """What a newcomer can do while the program is up; every command works as it is pasted."""
    url = tour.program.url
    photo = steps.place("data buckets/uploads", tour)
    console.print("\n[bold]The shop is up.[/] Try, in another terminal:")
    _print(
        console,
        (
            f"curl {url}/stock",
            f"curl {url}/orders -H 'content-type: application/json' -d '{_ORDER}'",
            f"cp {photo}/{tour.run}/beach.jpg {photo}/again.jpg  # a file is an upload: see {_thumbnails(tour)}",
            _command(tour, "events --follow"),
            _command(tour, "dlq list"),
            _command(tour, "schedule run sales-report"),
        ),
    )
    console.print(f"What it prints: {_log(tour.program.data)}\nCtrl-C ends it.", soft_wrap=True)


def ended(console: Console, data: Path) -> None:
    """What is left when the program has ended."""
    console.print(f"The shop has ended; its files stay in {steps.from_here(data)}", soft_wrap=True)


def failed(console: Console, data: Path, reason: str, *, lines: int = 20) -> None:
    """Why `dev` is not up, with the end of what it printed."""
    log = data / "dev.log"
    text = log.read_text(errors="replace") if log.exists() else ""
    console.print(reason, style="red", markup=False)
    console.print("\n".join(text.splitlines()[-lines:]), markup=False, soft_wrap=True)


def wrong(console: Console, rows: Sequence[steps.Row], data: Path) -> None:
    """How many steps went wrong, and where to find out why."""
    count = sum(row.problem is not None for row in rows)
    console.print(
        f"{WRONG} {count} of {len(rows)} went wrong. What dev printed meanwhile: {_log(data)}", soft_wrap=True
    )


def _print(console: Console, commands: Iterable[str]) -> None:
    for command in commands:
        console.print(f"  {command}", style="cyan", markup=False, soft_wrap=True)


def _command(tour: Tour, rest: str) -> str:
    """A command of `patternapp` as this user's shell finds it."""
    program = Path(sys.executable).with_name("patternapp")
    name = "patternapp" if shutil.which("patternapp") == str(program) else steps.from_here(program)
    there = "" if tour.program.url.endswith(f":{PORT}") else f" --url {tour.program.url}"
    return f"{name} {rest}{there}"


def _thumbnails(tour: Tour) -> str:
    return steps.place("data buckets/thumbnails", tour)


def _log(data: Path) -> str:
    return steps.from_here(data / "dev.log")


_ORDER = '{"customer": "Me", "email": "me@example.com", "lines": [{"sku": "mug", "quantity": 1}]}'
