from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psutil
from runtime.functions.rig import ECHO, function

from patternapp.runtime.functions import packets

if TYPE_CHECKING:
    from runtime.functions.rig import Rig

TOGETHER = (
    ECHO
    + """
import asyncio, logging, sys, threading
logging.basicConfig(level="INFO", format="%(message)s")
here, away = asyncio.Barrier(4), threading.Barrier(4)

@app.get("/async/{name}")
async def of_async(name: str) -> None:
    for number in range(3):
        await here.wait()
        print(name, end=" ")
        await here.wait()
        print(number)

@app.get("/sync/{name}")
def of_sync(name: str) -> None:
    for number in range(3):
        away.wait()
        print(name, number, file=sys.stderr)

@app.get("/log/{name}")
async def of_log(name: str) -> None:
    await here.wait()
    logging.getLogger("shop").info(name)
"""
)
FLOOD = """
import os, threading

def flood():
    while True:
        PRINT

threading.Thread(target=flood, daemon=True).start()
"""


async def in_turns(rig: Rig, kind: str) -> dict[int | None, list[str]]:
    await asyncio.gather(*(rig.get("says", f"/{kind}/{event}", event=event) for event in range(1, 5)))
    told: dict[int | None, list[str]] = {}
    for line in rig.heard.lines:
        told.setdefault(line.event, []).append(line.text)
    return told


async def test_lines_of_concurrent_requests_belong_to_their_events(rig: Rig) -> None:
    rig.write(says=TOGETHER)
    await rig.start(function("says", "says:app", concurrency=4, max=1))

    told = await in_turns(rig, "async")

    assert told == {event: [f"{event} {number}" for number in range(3)] for event in range(1, 5)}


async def test_lines_of_handlers_in_threads_belong_to_their_events(rig: Rig) -> None:
    rig.write(says=TOGETHER)
    await rig.start(function("says", "says:app", concurrency=4, max=1))

    told = await in_turns(rig, "sync")

    assert told == {event: [f"{event} {number}" for number in range(3)] for event in range(1, 5)}
    assert {line.stream for line in rig.heard.lines} == {"stderr"}


async def test_lines_of_logging_belong_to_their_events(rig: Rig) -> None:
    rig.write(says=TOGETHER)
    await rig.start(function("says", "says:app", concurrency=4, max=1))

    told = await in_turns(rig, "log")

    assert told == {event: [str(event)] for event in range(1, 5)}


async def test_what_other_programs_print_belongs_to_the_only_event_in_flight(rig: Rig) -> None:
    rig.write(
        runs=ECHO
        + """
import subprocess

@app.get("/run")
def run() -> None:
    subprocess.run(["sh", "-c", "echo out; echo err >&2"], check=True)
    os.write(1, b"raw\\n")
"""
    )
    await rig.start(function("runs", "runs:app"))

    await rig.get("runs", "/run", event=12)

    said = {(line.stream, line.event, line.text) for line in rig.heard.lines}
    assert said == {("stdout", 12, "out"), ("stdout", 12, "raw"), ("stderr", 12, "err")}


async def test_lines_outside_of_requests_belong_to_no_event(rig: Rig) -> None:
    rig.write(says=ECHO + "\nprint('imported')\nos.write(2, b'raw\\n')\n")
    await rig.start(function("says", "says:app"))

    pid = await rig.get("says", event=5)

    said = {(line.pid, line.stream, line.event, line.text) for line in rig.heard.lines}
    assert said == {(pid, "stdout", None, "imported"), (pid, "stderr", None, "raw")}


async def test_a_line_without_an_end_is_told_when_its_request_ends(rig: Rig) -> None:
    rig.write(says=ECHO + "\n@app.get('/say')\nasync def say() -> None:\n    print('half', end='')\n")
    await rig.start(function("says", "says:app"))

    await rig.get("says", "/say", event=3)

    assert [(line.event, line.text) for line in rig.heard.lines] == [(3, "half")]


async def test_a_line_that_is_too_long_is_cut(rig: Rig) -> None:
    rig.write(
        says=ECHO + "\n@app.get('/say')\nasync def say() -> None:\n    print('x' * 1_000_000)\n    print('next')\n"
    )
    await rig.start(function("says", "says:app"))

    await rig.get("says", "/say", event=3)

    first, second = (line.text for line in rig.heard.lines)
    assert len(first) == packets.LINE + len(packets.CUT)
    assert first.endswith("x [cut]")
    assert second == "next"


async def test_what_a_crashing_process_said_last_is_told(rig: Rig) -> None:
    rig.write(dies="import os\nprint('last words')\nos.write(1, b'half a line')\nos.abort()\n")
    await rig.start(function("dies", "dies:app", min=1))

    await rig.heard.until(lambda: rig.heard.of("failed"))

    assert sorted(line.text for line in rig.heard.lines) == ["half a line", "last words"]


async def test_one_that_prints_without_end_takes_neither_the_memory_nor_the_others_turn(rig: Rig) -> None:
    rig.write(
        tags=FLOOD.replace("PRINT", "print('x' * 200)") + ECHO,
        raw=FLOOD.replace("PRINT", "os.write(1, b'x' * 199 + bytes([10]))") + ECHO,
        echo=ECHO,
    )
    await rig.start(*(function(name, f"{name}:app") for name in ("tags", "raw", "echo")))
    memory = psutil.Process().memory_info().rss
    await rig.get("tags")
    await rig.get("raw")

    for _ in range(20):
        await rig.get("echo")
        rig.heard.lines.clear()

    await rig.heard.until(lambda: {line.function for line in rig.heard.lines} == {"tags", "raw"})
    assert psutil.Process().memory_info().rss - memory < 32 * 1024 * 1024
