"""One API server: what it is asked by the benchmark, and what it says that it was asked in all."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import psutil

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from cluster import api, controlplane

NAMESPACE = "bench"
WRITES = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE"})
_SERIES = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ALONE = re.compile("leases|apiservices|flowschemas|prioritylevelconfigurations|.*reviews")
"""Resources that servers and elections write whether or not there are apps, and questions, which nothing keeps."""
_LONGEST_LINE = 1 << 22
_AT_ONCE = 8
_LOOK_EVERY = 0.1


@dataclass(slots=True)
class Server:
    """Requests of the benchmark to one API server; `sent` counts them as the server's own metric does."""

    session: aiohttp.ClientSession
    process: psutil.Process
    sent: Counter[str] = field(default_factory=Counter)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def send(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Any:
        """One request, a few at a time; the answer has to be a success."""
        data = None if body is None else json.dumps(body)
        async with self._slots, self.session.request(method, path, data=data, headers={"Content-Type": content}) as it:
            answer = await it.read()
            assert it.status < 300, f"{method} {path}: {it.status} {answer.decode()[:1_000]}"
            self.sent[method] += 1
            return json.loads(answer)

    async def served(self, path: str, within: float) -> None:
        """Return once a collection is there: its definition is established a moment before."""
        until = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < until:
            async with self.session.get(path) as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(_LOOK_EVERY)
        raise AssertionError(f"{path} is not served")

    async def merge(self, path: str, patch: Mapping[str, Any]) -> Any:
        """Change fields of an object."""
        return await self.send("PATCH", path, patch, "application/merge-patch+json")

    async def watch(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """What is there and what becomes of it, until cancelled; each as it is then."""
        query = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": "3600"}
        async with self.session.get(path, params=query, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                event = json.loads(line)
                assert event["type"] != "ERROR", event
                if event["type"] != "BOOKMARK":
                    yield event["object"]

    async def writes(self) -> float:
        """Writes that the server has had from others than the benchmark, apart from what goes on without apps."""
        async with self.session.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        total = 0.0
        for line in lines:
            if line.startswith("apiserver_request_total{"):
                labels = dict(_SERIES.findall(line))
                if labels["verb"] in WRITES and not _ALONE.fullmatch(labels["resource"]):
                    total += float(line.rpartition(" ")[2])
        return total - sum(self.sent[method] for method in WRITES)

    def cpu(self) -> float:
        """Seconds that the server has computed."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def connect(access: api.Access, plane: controlplane.ControlPlane) -> Server:
    """A server to talk to; its session is to be closed."""
    session = aiohttp.ClientSession(
        access.url,
        headers={"Authorization": f"Bearer {access.token}", "User-Agent": "bench"},
        connector=aiohttp.TCPConnector(ssl=access.context, limit=0),
        read_bufsize=_LONGEST_LINE,
    )
    return Server(session, psutil.Process(plane.pids["kube-apiserver"]))
