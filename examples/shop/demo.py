"""A tour of the shop: starts `patternapp dev`, puts real input through every pattern, and shows what came out."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from rich.console import Console

from tour import program, report, steps
from tour.client import Tour

if TYPE_CHECKING:
    from rich.status import Status

STATE = program.FOLDER / ".patternapp" / "shop"
"""SHOP_DATA in app.yaml, which is relative to its own folder."""
WIDTH = 150
"""Of the table where it is not printed on a terminal."""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the command line; the exit code is returned."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the table; exit 0 if every row is right, else 1")
    parser.add_argument("--port", type=int, default=8700, help="the port on 127.0.0.1 (default: 8700)")
    parser.add_argument(
        "--data",
        type=Path,
        default=program.FOLDER / ".patternapp",
        help="where `patternapp dev` keeps its data (default: .patternapp beside app.yaml)",
    )
    wanted = parser.parse_args()
    return asyncio.run(_until_stopped(wanted.data.resolve(), port=wanted.port, stays=not wanted.once))


async def _until_stopped(data: Path, *, port: int, stays: bool) -> int:
    """Take the tour, and stay up afterwards where that is wanted. A signal ends it in good order at any moment."""
    touring = asyncio.ensure_future(_visit(data, port=port, stays=stays))

    def stop() -> None:
        # Once: a second Ctrl-C must not cut short the end of what was started.
        if not touring.cancelling():
            touring.cancel()

    for one in STOPPING:
        asyncio.get_running_loop().add_signal_handler(one, stop)
    try:
        return await touring
    except asyncio.CancelledError:
        return 0 if stays else 1


async def _visit(data: Path, *, port: int, stays: bool) -> int:
    # What is no terminal has no width of its own.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH
    console = Console(highlight=False, width=width)
    try:
        return await _guided(data, console, port=port, stays=stays)
    except program.EndedError as error:
        report.failed(console, data, f"{error}")
        return 1
    except asyncio.CancelledError:
        report.ended(console, data)
        raise


async def _guided(data: Path, console: Console, *, port: int, stays: bool) -> int:
    began = time.monotonic()
    with console.status("Starting patternapp dev") as status:
        async with program.running(data, port=port) as running, aiohttp.ClientSession() as session:
            tour = Tour(program=running, session=session, state=STATE)
            console.print(f"patternapp dev is up on {running.url} after {time.monotonic() - began:.1f} s")
            rows = await _take(tour, console, status)
            console.print(f"Done after {time.monotonic() - began:.1f} s\n")
            status.stop()
            console.print(report.table(rows, tour, width=console.width))
            right = all(row.problem is None for row in rows)
            if not right:
                report.wrong(console, rows, data)
            if stays and not running.ended:
                report.next_steps(console, tour)
            if stays or running.ended:
                await running.stay()
    report.ended(console, data)
    console.print("[dim]make run[/] keeps it up, so that the URLs answer.", soft_wrap=True)
    return 0 if right else 1


async def _take(tour: Tour, console: Console, status: Status) -> list[steps.Row]:
    """Take the tour; the status names the patterns that are at work."""
    at_work: list[str] = []

    def begin(step: steps.Step) -> None:
        at_work.append(step.pattern)
        status.update(f"At work: {', '.join(at_work)}")

    def end(row: steps.Row) -> None:
        at_work.remove(row.step.pattern)
        status.update(f"At work: {', '.join(at_work)}")
        console.print(report.line(row), soft_wrap=True)

    return await steps.take(tour, begin=begin, end=end)


if __name__ == "__main__":
    sys.exit(main())
