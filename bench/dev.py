"""`patternapp dev`: idle memory with the shop, time from zero to an answer, and events a second through the Broker.

Memory is the proportional set size of the whole process tree, so that pages shared after a fork count once. The load
comes from this process, on the same cores; every event is on the disk before its 202 and is delivered over HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHOP = report.ROOT / "examples" / "shop"
PORT = 18700
STARTS = 30
PRODUCERS = 32
EVENTS = 10_000
IDLE_SECONDS = 5.0
PATIENCE = 600.0
"""Seconds for all events of a measurement."""
APP = """
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: bench}
spec:
  functions: [{name: f, handler: "fn:app", scale: {max: 2, idle: 100ms}}]
  gateway: {routes: [{name: hello, path: /hello, methods: [GET], function: f}]}
  eventDriven: [{name: t, filters: [{exact: {type: ping}}], function: f}]
"""
FUNCTION = """
from patternapp.receiver import Receiver

app = Receiver()


@app.on("ping")
async def ping() -> None: ...


@app.get("/hello")
async def hello() -> dict: return {"hello": "world"}
"""


class Ingress(NamedTuple):
    """Where a Broker takes events by HTTP."""

    host: str
    port: int
    path: str


OWN = Ingress("127.0.0.1", PORT, "/events")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`patternapp dev` of the app in a folder, up and healthy."""
    command = (sys.executable, "-m", "patternapp.cli.main", "dev", str(folder / "app.yaml"), "--port", str(PORT))
    data = tempfile.mkdtemp(dir=folder.parent)
    with subprocess.Popen([*command, "--data", data], stderr=subprocess.DEVNULL) as process:
        try:
            while not healthy():
                time.sleep(0.02)
            yield process
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(data)


def healthy() -> bool:
    """Whether `dev` answers."""
    try:
        return get("/healthz")[0] == 200
    except OSError:
        return False


def get(path: str) -> tuple[int, bytes]:
    """The status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def sample(beside: Path) -> Path:
    """A new folder with the app that is measured."""
    folder = beside / "app"
    folder.mkdir()
    (folder / "app.yaml").write_text(APP)
    (folder / "fn.py").write_text(FUNCTION)
    return folder


def memory(process: subprocess.Popen[bytes]) -> float:
    """MiB of the process and everything below it."""
    root = psutil.Process(process.pid)
    return sum(one.memory_full_info().pss for one in [root, *root.children(recursive=True)]) / 2**20


def wait_for_zero() -> None:
    """Return once the function has no instance."""
    while json.loads(get("/api/functions")[1])["functions"][0]["instances"]:
        time.sleep(0.02)


def from_zero() -> list[float]:
    """Milliseconds from a request to its answer, with no instance running before."""
    times = []
    for _ in range(STARTS):
        wait_for_zero()
        began = time.perf_counter()
        assert get("/hello")[0] == 200
        times.append((time.perf_counter() - began) * 1000)
    return times


async def produce(to: Ingress, events: int, latencies: list[float], *, pause: float = 0.0) -> None:
    """Post events one after the other over one connection, a pause apart."""
    reader, writer = await asyncio.open_connection(to.host, to.port)
    head = (
        f"POST {to.path} HTTP/1.1\r\nhost: {to.host}:{to.port}\r\ncontent-type: application/json\r\n"
        "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /bench\r\nce-type: ping\r\ncontent-length: 9\r\n\r\n"
    )
    request = head.encode() + b'{"n": 42}'
    for _ in range(events):
        began = time.perf_counter()
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 202"), answer
        latencies.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(pause)
    writer.close()
    await writer.wait_closed()


def through(to: Ingress, events: int, *, settled: Callable[[], bool], pause: float = 0.0) -> tuple[float, list[float]]:
    """Events a second from the first post to the last delivery, and what each post took, in milliseconds."""

    async def all_of() -> None:
        await asyncio.gather(*(produce(to, events // PRODUCERS, latencies, pause=pause) for _ in range(PRODUCERS)))

    latencies: list[float] = []
    began = time.perf_counter()
    asyncio.run(all_of())
    while not settled():
        assert time.perf_counter() - began < PATIENCE, "not every event that was accepted was delivered"
        time.sleep(0.02)
    return len(latencies) / (time.perf_counter() - began), latencies


def through_the_broker(events: int, *, pause: float = 0.0) -> tuple[float, list[float]]:
    """The same through the Broker of `dev`."""
    return through(OWN, events, settled=lambda: not json.loads(get("/api/ledger")[1])["pending"], pause=pause)


def main() -> None:
    """Measure, and publish."""
    with running(SHOP) as dev:
        time.sleep(IDLE_SECONDS)
        idle = memory(dev)
    with tempfile.TemporaryDirectory() as temporary, running(sample(Path(temporary))):
        get("/hello")
        starts = statistics.quantiles(from_zero(), n=20)
        through_the_broker(EVENTS // 10)
        rate, _ = through_the_broker(EVENTS)
        _, half = through_the_broker(EVENTS // 2, pause=2 * PRODUCERS / rate)
    report.publish(
        "dev",
        [
            report.Figure(name="idle memory with the shop, all functions at zero", value=idle, unit="MiB", target=120),
            report.Figure(
                name="from zero to an answer through the gateway, p50", value=starts[9], unit="ms", target=60
            ),
            report.Figure(name="from zero to an answer through the gateway, p95", value=starts[18], unit="ms"),
            report.Figure(
                name="durable events through the Broker to one trigger", value=rate, unit="events/s", better="higher"
            ),
            report.Figure(
                name="post to 202 at half that load, p99",
                value=statistics.quantiles(half, n=100)[98],
                unit="ms",
                target=50,
            ),
        ],
    )


if __name__ == "__main__":
    main()
