"""The tour as a newcomer takes it: a copy of the shop, real processes, real files."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOP = Path(__file__).parents[3] / "examples" / "shop"
PATTERNS = (
    "API gateway",
    "Event-driven: bucket",
    "Event-driven: webhook",
    "Fan-out",
    "Queue",
    "Stream",
    "Schedules",
    "Nothing is lost",
)
WITHIN = 90


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The shop where its files may be written, without what was written to the original."""
    return Path(shutil.copytree(SHOP, tmp_path / "shop", ignore=shutil.ignore_patterns(".patternapp", "__pycache__")))


@pytest.fixture
def port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else is given meanwhile."""
    with socket.socket() as reserved:
        # Bound but not listening: with SO_REUSEADDR on both sides another may listen on it.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


def command(shop: Path, port: int, *options: str) -> list[str]:
    return [sys.executable, str(shop / "demo.py"), "--port", f"{port}", *options]


def run_once(shop: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(shop, port, "--once"), capture_output=True, text=True, timeout=WITHIN, check=False, env=_environment()
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def test_a_first_and_a_second_tour_find_every_pattern_right(shop: Path, port: int) -> None:
    for _ in range(2):
        done = run_once(shop, port)

        assert done.returncode == 0, done.stdout + done.stderr
        assert [pattern for pattern in PATTERNS if f"✔ {pattern}" not in done.stdout] == []
        assert done.stderr == ""


def test_a_tour_says_so_when_the_port_is_taken(shop: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]

        done = run_once(shop, taken)

    assert done.returncode == 1
    assert "patternapp dev ended with exit code 3" in done.stdout
    assert f"{taken}" in done.stdout


def test_a_pattern_that_does_not_work_is_a_row_with_its_reason_and_exit_code_1(shop: Path, port: int) -> None:
    catalogue = shop / "shop" / "catalogue.csv"
    catalogue.write_text(catalogue.read_text().replace("lamp,", "torch,"))

    done = run_once(shop, port)

    assert done.returncode == 1
    assert "✘ API gateway: POST /orders answered 422" in done.stdout
    assert "not on sale: lamp" in done.stdout
    assert "✔ Event-driven: bucket" in done.stdout


def test_a_tour_that_stays_says_what_to_do_next_and_ends_on_ctrl_c_with_all_it_started(shop: Path, port: int) -> None:
    with subprocess.Popen(command(shop, port), stdout=subprocess.PIPE, text=True, env=_environment()) as tour:
        assert tour.stdout is not None
        lines = []
        for line in tour.stdout:
            lines.append(line)
            if "Ctrl-C ends it" in line:
                break
        started = psutil.Process(tour.pid).children(recursive=True)

        tour.send_signal(signal.SIGINT)

        assert tour.wait(WITHIN) == 0
    assert any(f"curl http://127.0.0.1:{port}/stock" in line for line in lines)
    assert started
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
