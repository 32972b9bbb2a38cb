"""From the start of a process to its first 2xx answer to an event: ours beside its peers, in turns in one run.

The client asks again every millisecond until it is answered. Files are in the page cache, and bytecode is compiled: the
first turn, which does that, is not counted. The median turn counts, and ratios are of starts in the same turn.
"""

from __future__ import annotations

import os
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import report
from peers import receivers

if TYPE_CHECKING:
    from collections.abc import Mapping

TURNS = int(os.environ.get("TURNS", "11"))
PAUSE = 0.001
_BODY = b'{"number": 7, "customer": "Ada Lovelace", "total": 12.5}'
_REQUEST = (
    b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nce-specversion: 1.0\r\nce-id: 1\r\nce-source: /bench\r\n"
    b"ce-type: order.placed\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
) % (len(_BODY), _BODY)


def first_answer(receiver: receivers.Receiver, folder: Path) -> float:
    """Milliseconds from the process's start to its first answer to an event, a 2xx."""
    receivers.environment(receiver)
    began = time.perf_counter()
    started = receivers.start(receiver, folder)
    try:
        while not (answer := _ask(started.port)):
            assert started.process.poll() is None, f"{receiver.name} ended"
            assert time.perf_counter() - began < receivers.START_TIMEOUT, f"{receiver.name} does not answer"
            time.sleep(PAUSE)
        took = (time.perf_counter() - began) * 1000
    finally:
        receivers.stop(started)
    assert answer.startswith(b"HTTP/1.1 2"), f"{receiver.name}: {answer!r}"
    return took


def _ask(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(_REQUEST)
            return connection.recv(1000)
    except OSError:
        return b""


def measure(folder: Path) -> Mapping[str, list[float]]:
    """Each receiver's starts, turn by turn."""
    starts: dict[str, list[float]] = {one.name: [] for one in receivers.ALL}
    for turn in range(TURNS + 1):
        for one in receivers.ALL if turn % 2 else reversed(receivers.ALL):
            took = first_answer(one, folder / one.name)
            if turn:
                starts[one.name].append(took)
    return starts


def main() -> None:
    """Measure, and publish."""
    with tempfile.TemporaryDirectory() as folder:
        starts = measure(Path(folder))
    base = starts[receivers.FASTAPI.name]
    ratios = [
        report.Figure(
            name=f"start to first 2xx, {one.name}, of FastAPI + SDK",
            value=statistics.median(value / other for value, other in zip(starts[one.name], base, strict=True)),
            unit="x",
            baseline=1.0,
            target=0.8 if one is receivers.OURS else None,
        )
        for one in (receivers.OURS, receivers.ROUTED)
    ]
    absolute = [
        report.Figure(name=f"start to first 2xx, {name}", value=statistics.median(values), unit="ms")
        for name, values in starts.items()
    ]
    report.publish("cold_start", [*ratios, *absolute])


if __name__ == "__main__":
    main()
