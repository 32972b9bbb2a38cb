"""The steps of the tour: each puts real input into one pattern and returns once the right things came out."""

from __future__ import annotations

import asyncio
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from tour import events, jobs, requests
from tour.client import WrongError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tour.client import Tour


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of the table.

    Attributes:
        pattern: What it shows.
        went_in: What it puts in.
        where: Where a user finds what came out: `shop` or `data` and a path below it, or `http` and a path of the URL.
        run: Puts it in, waits for what should come out, and says what did; raises `WrongError` otherwise.
    """

    pattern: str
    went_in: str
    where: tuple[str, ...]
    run: Callable[[Tour], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of a step: what came out or why it is wrong, and how long it took."""

    step: Step
    came_out: str = ""
    problem: str | None = None
    seconds: float = 0.0


ORDERS = Step(
    pattern="API gateway",
    went_in="5 orders and 2 wrong ones, POST /orders",
    where=("http /stock", "shop orders.db"),
    run=requests.place_orders,
)
OTHERS = (
    Step(
        pattern="Event-driven: bucket",
        went_in=f"a photo of {requests.PHOTO[0]} x {requests.PHOTO[1]} pixels, PUT into the bucket uploads",
        where=("data buckets/thumbnails",),
        run=requests.upload_photo,
    ),
    Step(
        pattern="Event-driven: webhook",
        went_in="a signed payment and a forged one, POST /hooks/payment",
        where=("shop mail/new",),
        run=requests.pay,
    ),
    Step(
        pattern="Fan-out",
        went_in="the events of the 5 orders, 2 of them express",
        where=("shop mail/new", "shop packing"),
        run=events.fan_out,
    ),
    Step(
        pattern="Queue",
        went_in=f"{events.INVOICES} wanted invoices and one that does not add up, POST /events",
        where=("shop invoices", "http /api/dead-letters"),
        run=events.fill_queue,
    ),
    Step(
        pattern="Stream",
        went_in=f"{events.CLICKS} clicks of {len(events.VISITS)} visitors, POST /clicks",
        where=("http /sessions", "http /api/streams"),
        run=events.stream_clicks,
    ),
    Step(
        pattern="Schedules",
        went_in="backup, sales report and clean-up, told to run now",
        where=("shop backups", "shop reports", "http /api/schedules"),
        run=jobs.run_schedules,
    ),
)
LEDGER = Step(
    pattern="Nothing is lost",
    went_in="all of the above",
    where=("http /api/ledger", "http /api/events"),
    run=jobs.balance,
)


async def take(tour: Tour, *, begin: Callable[[Step], None], end: Callable[[Row], None]) -> list[Row]:
    """Take the tour, and tell when steps begin and end. The orders are placed first, for others need them."""
    rows = []

    async def take_one(step: Step) -> None:
        begin(step)
        row = await _row(step, tour)
        rows.append(row)
        end(row)

    await take_one(ORDERS)
    async with asyncio.TaskGroup() as together:
        for step in OTHERS:
            together.create_task(take_one(step))
    await take_one(LEDGER)
    return rows


def place(where: str, tour: Tour) -> str:
    """One of a step's `where`, as a user can open it."""
    kind, _, rest = where.partition(" ")
    if kind == "http":
        return f"{tour.program.url}{rest}"
    return from_here((tour.program.data if kind == "data" else tour.state) / rest)


def from_here(path: Path) -> str:
    """A path as it is pasted into a command: relative where it is below the current folder."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


async def _row(step: Step, tour: Tour) -> Row:
    began = time.monotonic()
    came_out, problem = "", None
    try:
        came_out = await step.run(tour)
    except (WrongError, aiohttp.ClientError, OSError) as error:
        problem = f"{error}" or type(error).__name__
    except Exception as error:  # noqa: BLE001 - such as an answer in another shape; the other steps go on
        problem = f"{type(error).__name__}: {error}"
    return Row(step=step, came_out=came_out, problem=problem, seconds=time.monotonic() - began)
