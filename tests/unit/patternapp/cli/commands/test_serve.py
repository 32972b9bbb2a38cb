"""`patternapp serve`: what cannot be served, and one event as a Job hands it over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import harness
import loopback
import pytest

from patternapp import delivery
from patternapp.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

FUNCTION = """\
import asyncio
from patternapp.receiver import Receiver, Reject

app = Receiver()

@app.on("report.wanted", reply="report.made")
async def report(data: dict) -> dict:
    return {"pages": data["days"]}

@app.on("report.foreseen")
async def foresee(data: dict) -> None:
    raise Reject("nobody knows the future")

@app.on("report.long")
async def write(data: dict) -> None:
    print("writing", flush=True)
    with open("release") as release:
        await asyncio.to_thread(release.read)

@app.on("report.broken")
async def fail(data: dict) -> None:
    raise RuntimeError("no paper")
"""


def test_a_module_that_is_not_there_is_named(tmp_path: Path, program: Any) -> None:
    result = program("serve", "no_such_module:app", cwd=tmp_path)

    assert result.returncode == 1
    assert "there is no module no_such_module" in result.stderr
    assert str(tmp_path) in result.stderr


def test_a_module_that_fails_is_named_with_the_line_that_failed(tmp_path: Path, program: Any) -> None:
    (tmp_path / "failing_at_import.py").write_text("\n\nraise RuntimeError('no database')\n")

    result = program("serve", "failing_at_import:app", cwd=tmp_path)

    assert result.returncode == 1
    assert f"{tmp_path / 'failing_at_import.py'}:3: " in result.stderr
    assert "RuntimeError: no database" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_module_that_is_no_python_is_named_with_its_line(tmp_path: Path, program: Any) -> None:
    (tmp_path / "no_python.py").write_text("x = 1\ny = = 2\n")

    result = program("serve", "no_python:app", cwd=tmp_path)

    assert result.returncode == 1
    assert f"{tmp_path / 'no_python.py'}:2: " in result.stderr


def test_a_taken_port_is_the_environment_s_problem(tmp_path: Path, program: Any) -> None:
    (tmp_path / "something_to_serve.py").write_text("async def app(scope, receive, send): ...\n")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = program("serve", "something_to_serve:app", "--host", "127.0.0.1", "--port", port, cwd=tmp_path)

    assert result.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr


@pytest.fixture
def job(tmp_path: Path) -> Callable[[str], list[str]]:
    """The command line that handles one event of a type, as a Job's container runs it; the function is in tmp_path."""
    (tmp_path / "reports.py").write_text(FUNCTION)

    def command(type_: str) -> list[str]:
        attributes = {"specversion": "1.0", "id": "7", "source": "/clock", "type": type_}
        event = attributes | {"datacontenttype": "application/json", "data": {"days": 31}}
        (tmp_path / "event").write_text(json.dumps(event))
        return ["serve", "reports:app", "--event", str(tmp_path / "event")]

    return command


@contextlib.asynccontextmanager
async def started(command: list[str], folder: Path, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *harness.PATTERNAPP,
        *command,
        cwd=folder,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_reply_of_a_job_goes_to_the_sink(tmp_path: Path, job: Any) -> None:
    taken: list[Any] = []
    broker = Receiver()

    @broker.on("report.made")
    async def take(data: dict[str, int]) -> None:
        taken.append(data)

    async with loopback.served(broker) as url, started(job("report.wanted"), tmp_path, K_SINK=url) as process:
        output, _ = await asyncio.wait_for(process.communicate(), harness.DEADLINE)

    assert (process.returncode, taken) == (0, [{"pages": 31}])
    assert b"its reply of the type report.made went to http://127.0.0.1" in output


def test_a_job_that_refuses_its_event_says_so_to_whoever_would_try_again(
    tmp_path: Path, program: Any, job: Any
) -> None:
    result = program(*job("report.foreseen"), cwd=tmp_path)

    assert result.returncode == delivery.EXIT_REFUSED
    assert "refused for good: answered 422: nobody knows the future" in result.stderr


def test_a_job_that_fails_is_to_be_tried_again(tmp_path: Path, program: Any, job: Any) -> None:
    result = program(*job("report.broken"), cwd=tmp_path)

    assert result.returncode == delivery.EXIT_FAILED
    assert "failed, to be tried again: answered 500: RuntimeError: no paper" in result.stderr


@pytest.mark.parametrize("text", ["not JSON", "{}", "[]"])
def test_a_file_without_an_event_is_not_tried_again(text: str, tmp_path: Path, program: Any, job: Any) -> None:
    command = job("report.wanted")
    (tmp_path / "event").write_text(text)

    result = program(*command, cwd=tmp_path)

    assert result.returncode == delivery.EXIT_REFUSED
    assert "Traceback" not in result.stderr


async def test_a_job_that_is_told_to_end_finishes_its_event_first(tmp_path: Path, job: Any) -> None:
    os.mkfifo(tmp_path / "release")
    async with started(job("report.long"), tmp_path) as process:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), harness.DEADLINE) == b"writing\n"

        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread((tmp_path / "release").write_text, "done")
        output, _ = await asyncio.wait_for(process.communicate(), harness.DEADLINE)

    assert process.returncode == 0
    assert b"handled in" in output
