from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest
from rich.console import Console

from tour import client, program, report, steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def tour(tmp_path: Path) -> AsyncIterator[client.Tour]:
    """A tour of a program that has ended: nobody answers at its address."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()
    with socket.socket() as bound:
        # Bound but not listening: the port is nobody else's meanwhile.
        bound.bind(("127.0.0.1", 0))
        ended = program.Program(f"http://127.0.0.1:{bound.getsockname()[1]}", tmp_path, process)
        async with aiohttp.ClientSession() as session:
            yield client.Tour(program=ended, session=session, state=tmp_path / "shop")


def printed(rows: list[steps.Row], tour: client.Tour, *, width: int) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(report.table(rows, tour, width=width))
    return capture.get()


async def test_every_step_that_finds_no_program_is_a_row_with_its_reason(tour: client.Tour) -> None:
    begun: list[steps.Step] = []
    ended: list[steps.Row] = []

    rows = await steps.take(tour, begin=begun.append, end=ended.append)

    assert begun == [steps.ORDERS, *steps.OTHERS, steps.LEDGER]
    assert ended == rows
    assert len(rows) == len(begun)
    assert all(row.problem for row in rows)


async def test_an_error_among_many_calls_is_raised_when_all_of_them_have_ended() -> None:
    ended = []

    async def call(number: int) -> None:
        if number == 0:
            raise client.WrongError("the first")
        await asyncio.sleep(0)
        ended.append(number)

    with pytest.raises(client.WrongError, match="the first"):
        await client.all_of(call, range(100))

    assert ended == list(range(1, 100))


@pytest.mark.parametrize("width", [80, 100, 120, 150])
async def test_the_table_keeps_every_place_to_look_in_one_piece(
    tour: client.Tour, width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    every = (steps.ORDERS, *steps.OTHERS, steps.LEDGER)
    places = [steps.place(where, tour) for step in every for where in step.where]

    shown = printed([steps.Row(step=step, came_out="[all] of it") for step in every], tour, width=width)

    assert [place for place in places if place not in shown] == []
    assert shown.count("[all] of it") == len(every)
    assert shown.count("✔") == len(every)


async def test_the_table_shows_a_cross_and_the_reason_of_a_step_that_failed(tour: client.Tour) -> None:
    shown = printed([steps.Row(step=steps.LEDGER, problem="3 [too] many")], tour, width=120)

    assert "✘" in shown
    assert "3 [too] many" in shown


async def test_a_table_with_a_long_path_still_has_room_for_what_came_out(tour: client.Tour, tmp_path: Path) -> None:
    deep = client.Tour(program=tour.program, session=tour.session, state=tmp_path / ("deep" * 20))

    shown = printed([steps.Row(step=steps.ORDERS, came_out="five orders")], deep, width=120)

    assert "five orders" in shown
