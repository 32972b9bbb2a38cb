"""A tour of the shop: starts `patternapp dev`, puts real input through every pattern, and shows what came out."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path

import aiohttp
from rich.console import Console

from tour import program, report, steps
from tour.client import Tour

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
    for one in STOPPING:
        asyncio.get_running_loop().add_signal_handler(one, touring.cancel)
    try:
        return await touring
    except asyncio.CancelledError:
        return 0 if stays else 1


async def _visit(data: Path, *, port: int, stays: bool) -> int:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    try:
        with console.status("Starting patternapp dev") as status:
            async with program.running(data, port=port) as running, aiohttp.ClientSession() as session:
                tour = Tour(program=running, session=session, state=STATE)
                console.print(f"patternapp dev is up on {running.url}; now for real input")
                status.update("Waiting for what the patterns do with it")
                rows = await _take(tour, console)
                status.stop()
                console.print(report.table(rows, tour, width=console.width))
                if stays:
                    report.next_steps(console, tour)
                    await running.stay()
    except program.EndedError as error:
        console.print(f"[red]{error}[/]\n{_tail(data)}", markup=True)
        return 1
    return 0 if all(row.problem is None for row in rows) else 1


async def _take(tour: Tour, console: Console) -> list[steps.Row]:
    began = time.monotonic()
    rows = await steps.take(tour, lambda row: console.print(report.line(row)))
    console.print(f"Done in {time.monotonic() - began:.1f} s\n")
    return rows


def _tail(data: Path, lines: int = 20) -> str:
    """The end of what `dev` printed."""
    with contextlib.suppress(OSError):
        text = (data / "dev.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])
    return ""


if __name__ == "__main__":
    sys.exit(main())
