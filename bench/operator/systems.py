"""The operators that are measured: how each is given to a server, started, and what its apps look like."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import psutil
import sample
from cluster import build, definitions
from server import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from server import Server

TUNED = (
    "-client-qps=2000",
    "-client-burst=4000",
    "-dynamic-controller-concurrent-reconciles=10",
    "-dynamic-controller-rate-limiter-rate-limit=1000",
    "-dynamic-controller-rate-limiter-burst-limit=1000",
)
_CHART = ("-zap-log-level=info", "-zap-devel=false", "-leader-elect", "-leader-election-namespace=default")
"""What kro's Helm chart sets other than the program's own defaults."""
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_GRAPHS = "/apis/kro.run/v1alpha1/resourcegraphdefinitions"
_STARTS_WITHIN = 60.0
_ENDS_WITHIN = 60.0
_LOOK_EVERY = 0.1
_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM", "--")
"""Where there is such a command, Linux ends the program even if the benchmark is killed."""
_LAST = 2_000
"""Characters of a log that are shown when something goes wrong."""


class System(Protocol):
    """An operator."""

    @property
    def name(self) -> str:
        """What its figures are called."""
        ...

    @property
    def path(self) -> str:
        """Where its apps are."""
        ...

    def app(self, name: str) -> dict[str, Any]:
        """An app."""
        ...

    def command(self, port: int) -> tuple[str, ...]:
        """The program; it shows its metrics on a port."""
        ...

    async def install(self, server: Server) -> None:
        """Give a server what it has to have before the program starts."""
        ...

    async def prepare(self, server: Server) -> None:
        """Give the running program what it needs before there are apps."""
        ...


@dataclass(frozen=True, slots=True)
class PatternApp:
    """Ours."""

    name: str = "patternapp"

    @property
    def path(self) -> str:
        return f"/apis/patternapp.dev/v1alpha1/namespaces/{NAMESPACE}/patternapps"

    def app(self, name: str) -> dict[str, Any]:
        return sample.patternapp(name)

    def command(self, port: int) -> tuple[str, ...]:
        flags = ("--namespace=default", "--host=127.0.0.1", f"--port={port}", "--log-level=info")
        return (sys.executable, "-m", "patternapp_operator", *flags)

    async def install(self, server: Server) -> None:
        """Every server has its definition."""

    async def prepare(self, server: Server) -> None:
        """It needs nothing more."""


@dataclass(frozen=True, slots=True)
class Kro:
    """kro, with a definition of the same objects."""

    name: str
    flags: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return f"/apis/kro.run/v1alpha1/namespaces/{NAMESPACE}/{sample.KIND.lower()}s"

    def app(self, name: str) -> dict[str, Any]:
        return sample.instance(name)

    def command(self, port: int) -> tuple[str, ...]:
        flags = (f"-metrics-bind-address=127.0.0.1:{port}", "-health-probe-bind-address=0", *_CHART)
        return (str(build.kro()), *flags, *self.flags)

    async def install(self, server: Server) -> None:
        for file in sorted(build.resource_definitions(definitions.KRO).glob("*.json")):
            item = json.loads(file.read_text())
            await server.send("POST", _CRDS, item)
            version, plural = item["spec"]["versions"][0]["name"], item["spec"]["names"]["plural"]
            await server.served(f"/apis/{item['spec']['group']}/{version}/{plural}", _STARTS_WITHIN)

    async def prepare(self, server: Server) -> None:
        graph = sample.definition()
        await server.send("POST", _GRAPHS, graph)
        await _condition(server, f"{_GRAPHS}/{graph['metadata']['name']}", "Ready")


@dataclass(frozen=True, slots=True)
class Operator:
    """A running operator."""

    process: psutil.Process
    port: int

    def cpu(self) -> float:
        """Seconds that it has computed."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        """MiB that are resident."""
        return float(self.process.memory_info().rss) / 2**20

    async def requests(self) -> float:
        """Requests that it says it has sent; both count as client-go does. 0 before it answers."""
        try:
            async with aiohttp.ClientSession() as session:
                text = await (await session.get(f"http://127.0.0.1:{self.port}/metrics")).text()
        except aiohttp.ClientError:
            return 0.0
        lines = (line for line in text.splitlines() if line.startswith("rest_client_requests_total{"))
        return sum(float(line.rpartition(" ")[2]) for line in lines)


@contextlib.contextmanager
def running(system: System, kubeconfig: Path, log: Path) -> Iterator[Operator]:
    """The program, on its own until it is ended in order."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
    bound = _WITH_PARENT if shutil.which(_WITH_PARENT[0]) else ()
    with (
        log.open("wb") as output,
        subprocess.Popen((*bound, *system.command(port)), stdout=output, stderr=output, env=environment) as process,
    ):
        try:
            yield Operator(psutil.Process(process.pid), port)
        except BaseException:
            print(log.read_text()[-_LAST:], file=sys.stderr)
            raise
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()


async def answering(operator: Operator) -> None:
    """Return once it has talked to the server."""
    until = asyncio.get_running_loop().time() + _STARTS_WITHIN
    while not await operator.requests():
        gone = operator.process.status() == psutil.STATUS_ZOMBIE or asyncio.get_running_loop().time() > until
        assert not gone, "the operator does not run"
        await asyncio.sleep(_LOOK_EVERY)


async def _condition(server: Server, path: str, kind: str) -> None:
    """Return once an object has a condition that is true."""
    status: Mapping[str, Any] = {}
    try:
        async with asyncio.timeout(_STARTS_WITHIN):
            while not any(one["type"] == kind and one["status"] == "True" for one in status.get("conditions") or ()):
                await asyncio.sleep(_LOOK_EVERY)
                status = (await server.send("GET", path)).get("status") or {}
    except TimeoutError:
        raise AssertionError(f"{path} is not {kind}: {status}") from None
