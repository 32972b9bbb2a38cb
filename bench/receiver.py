"""Events a second of one receiver process, and its memory: ours beside its peers, in turns in one run.

Where there are two processors the server has one and the load the other. The load is wrk (Debian has it), written in C:
beside a server in Python it is idle most of the time; what it can do at most is measured against the bare server and
said as the share of its processor that it used. Ratios are of rates in the same round, and the median round counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import report
from peers import receivers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = float(os.environ.get("SECONDS", "3"))
CONNECTIONS = 16
BATCH = 100
DATA = {"number": 7, "customer": "Ada Lovelace", "total": 12.5}
CONTEXT = {"specversion": "1.0", "id": "0af7651916cd43dd", "source": "/bench/orders", "time": "2026-01-31T12:00:00Z"}


class Load(NamedTuple):
    """A request that is sent again and again, and how many events it has."""

    headers: Mapping[str, str]
    body: str
    events: int = 1


BINARY = Load(
    {
        **{f"ce-{name}": text for name, text in CONTEXT.items()},
        "ce-type": "order.placed",
        "content-type": "application/json",
    },
    json.dumps(DATA),
)
STRUCTURED = Load(
    {"content-type": "application/cloudevents+json"},
    json.dumps({**CONTEXT, "type": "order.placed", "datacontenttype": "application/json", "data": DATA}),
)
BATCHED = Load(
    {"content-type": "application/cloudevents-batch+json"},
    json.dumps(
        [
            {**CONTEXT, "id": str(number), "type": "order.batched", "datacontenttype": "application/json", "data": DATA}
            for number in range(BATCH)
        ]
    ),
    BATCH,
)
PEERS = (receivers.BARE, receivers.FASTAPI, receivers.FUNC_PYTHON, receivers.FRAMEWORK)
MATRIX: tuple[tuple[str, Load, tuple[receivers.Receiver, ...]], ...] = (
    ("binary", BINARY, (receivers.OURS, receivers.ROUTED, *PEERS)),
    ("structured", STRUCTURED, (receivers.OURS, *PEERS)),
    ("batched", BATCHED, (receivers.OURS,)),
)


def pinned(processor: int) -> list[str]:
    """What makes a command run on one processor."""
    known = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(known[processor % len(known)])] if len(known) > 1 else []


def rate(running: receivers.Running, load: Load, folder: Path) -> tuple[float, float]:
    """Events a second, and the share of a processor that the load client used for them."""
    headers = "".join(f'wrk.headers["{name}"] = "{text}"\n' for name, text in load.headers.items())
    script = folder / "load.lua"
    script.write_text(f'wrk.method = "POST"\nwrk.body = [==[{load.body}]==]\n{headers}')
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:g}s", "-s", str(script)]
    done = subprocess.run(
        [*pinned(1), *command, f"http://127.0.0.1:{running.port}/"], capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    assert "Non-2xx" not in done.stdout, f"{running.receiver.name}: {done.stdout}"
    return float(found[1]) * load.events, used / SECONDS


class Rates:
    """Rates by mode and receiver, a value for each round."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], list[float]] = {}
        self.client: list[float] = []

    def add(self, mode: str, receiver: receivers.Receiver, value: float) -> None:
        """Keep one more."""
        self._known.setdefault((mode, receiver.name), []).append(value)

    def median(self, mode: str, receiver: receivers.Receiver) -> float:
        """The median round."""
        return statistics.median(self._known[mode, receiver.name])

    def ratio(self, mode: str, receiver: receivers.Receiver, *, base: receivers.Receiver, base_mode: str = "") -> float:
        """The median of the ratios of each round."""
        pairs = zip(self._known[mode, receiver.name], self._known[base_mode or mode, base.name], strict=True)
        return statistics.median(value / other for value, other in pairs)


def measure(folder: Path) -> tuple[Rates, Mapping[str, float]]:
    """All rates, and the memory of each receiver after them."""
    rates = Rates()
    with contextlib.ExitStack() as stack:
        started = {
            one.name: stack.enter_context(receivers.running(one, folder / one.name, prefix=pinned(0)))
            for one in (receivers.OURS, receivers.ROUTED, *PEERS)
        }
        for turn in range(ROUNDS + 1):
            for mode, load, of in MATRIX:
                for receiver in of if turn % 2 else reversed(of):
                    value, client = rate(started[receiver.name], load, folder)
                    if turn:  # the first round only warms up
                        rates.add(mode, receiver, value)
                        if receiver is receivers.BARE:
                            rates.client.append(client)
        return rates, {name: running.memory() for name, running in started.items()}


def figures(rates: Rates, memory: Mapping[str, float]) -> Sequence[report.Figure]:
    """What is published."""
    ours, bare, fastapi = receivers.OURS, receivers.BARE, receivers.FASTAPI
    ratios = [
        report.Figure(
            name=f"{mode}, of bare uvicorn" if base is bare else f"{mode}, times FastAPI + SDK",
            value=rates.ratio(mode, ours, base=base),
            unit="x",
            baseline=1.0,
            target=target,
            better="higher",
        )
        for mode in ("binary", "structured")
        for base, target in ((bare, 0.5), (fastapi, 2.5))
    ]
    batched = report.Figure(
        name=f"batched by {BATCH}, times binary",
        value=rates.ratio("batched", ours, base=ours, base_mode="binary"),
        unit="x",
        baseline=1.0,
        target=1.0,
        better="higher",
    )
    absolute = [
        report.Figure(
            name=f"{mode}, {receiver.name}",
            value=rates.median(mode, receiver),
            unit="events/s",
            baseline=rates.median(mode if mode != "batched" else "binary", bare),
            better="higher",
        )
        for mode, _, of in MATRIX
        for receiver in of
    ]
    resident = [
        report.Figure(
            name=f"memory, {name}",
            value=value,
            unit="MiB",
            baseline=memory[fastapi.name],
            target=memory[fastapi.name] if name == ours.name else None,
        )
        for name, value in memory.items()
    ]
    client = report.Figure(
        name="processor that the load client used beside bare uvicorn", value=max(rates.client), unit="of 1"
    )
    return [*ratios, batched, *resident, *absolute, client]


def main() -> None:
    """Measure, and publish."""
    if shutil.which("wrk") is None:
        raise SystemExit("the load comes from wrk: install it (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as folder:
        report.publish("receiver", figures(*measure(Path(folder))))


if __name__ == "__main__":
    main()
