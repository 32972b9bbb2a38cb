"""What the tour prints: a line for each step as it is done, the table, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from tour import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from tour.client import Tour

WIDE = 120
RIGHT, WRONG = "[green]✔[/]", "[red]✘[/]"


def line(row: steps.Row) -> str:
    """A step that is done, in one line."""
    if row.problem is None:
        return f"  {RIGHT} {row.step.pattern}"
    return f"  {WRONG} {row.step.pattern}: {escape(row.problem)}"


def table(rows: Sequence[steps.Row], tour: Tour, *, width: int) -> Table:
    """All steps, in the order of the patterns, for a terminal of that width."""
    shown = Table(box=box.HORIZONTALS, show_lines=True, pad_edge=False)
    shown.add_column("")
    shown.add_column("Pattern", style="bold", min_width=12)
    shown.add_column("What went in", ratio=1, overflow="fold")
    shown.add_column("What came out", ratio=1, overflow="fold")
    # Kept whole where there is room, so that they can be clicked and copied.
    shown.add_column("Where to look", no_wrap=width >= WIDE, overflow="fold", style="cyan")
    order = (steps.ORDERS, *steps.OTHERS, steps.LEDGER)
    for row in sorted(rows, key=lambda row: order.index(row.step)):
        right = row.problem is None
        shown.add_row(
            RIGHT if right else WRONG,
            row.step.pattern,
            row.step.went_in.replace("RUN", tour.run),
            escape(row.came_out) if right else f"[red]{escape(row.problem or '')}[/]",
            "\n".join(escape(steps.place(where, tour)) for where in row.step.where),
        )
    return shown


def next_steps(console: Console, tour: Tour) -> None:
    """What a newcomer can do while the program is up."""
    url = tour.program.url
    console.print("\nThe shop is up. For example, in another terminal:")
    for command in (
        f"curl {url}/stock",
        f"curl {url}/orders -H 'content-type: application/json' -d '{_ORDER}'",
        f"cp PHOTO.jpg {steps.place('data buckets/uploads', tour)}/    # a file is an upload as well",
        f"curl '{url}/api/events?limit=5'",
        "patternapp events --follow",
        "patternapp dlq list",
    ):
        console.print(f"  {command}", style="cyan", highlight=False, markup=False, soft_wrap=True)
    console.print(f"What it prints is in {steps.place('data dev.log', tour)}. Ctrl-C ends it.", soft_wrap=True)


_ORDER = '{"customer": "Me", "email": "me@example.com", "lines": [{"sku": "mug", "quantity": 1}]}'
