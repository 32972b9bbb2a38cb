"""Our services as the image runs them: a process each, with a configuration file, told to end by a signal."""

from __future__ import annotations

import http.client
import json
import re
import sys
from typing import TYPE_CHECKING, Any

from components import process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_METRIC = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


class Service:
    """One service. Started again it is a new process with the same configuration."""

    def __init__(
        self, role: str, config: dict[str, Any], *, folder: Path, name: str = "", env: Mapping[str, str] | None = None
    ) -> None:
        self.port, self.monitor_port = process.free_port(), process.free_port()
        self.log = folder / f"{name or role}-{self.port}.log"
        file = folder / f"{name or role}-{self.port}.json"
        file.write_text(json.dumps(config))
        command = [sys.executable, "-m", "patternapp_services", role, "--config", str(file)]
        command += ["--secrets", str(folder / "secrets"), "--host", process.HOST, "--port", str(self.port)]
        command += ["--monitor-port", str(self.monitor_port), "--token", str(folder / "token")]
        self.program = process.Program(command, log=self.log, ready=lambda: process.listens(self.port), env=env)

    def start(self) -> Service:
        self.program.start()
        return self

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return self._ask("POST", path, body, headers)

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        return self._ask("GET", path, None, {})

    def monitored(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """What a service that strangers call tells on a port of its own."""
        return self._ask("GET", path, None, {}, port=self.monitor_port)

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], *, port: int | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(process.HOST, port or self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        finally:
            connection.close()

    def metrics(self) -> dict[str, float]:
        """The sums of each metric over its labels, without the prefix of the role."""
        sums: dict[str, float] = {}
        for line in self.get("/metrics")[2].decode().splitlines():
            if found := _METRIC.match(line):
                sums[found[1]] = sums.get(found[1], 0.0) + float(found[3])
        return sums

    def ledger(self) -> dict[str, int]:
        """A worker's ledger, which must balance."""
        metrics = self.metrics()
        names = {
            "received": "_total",
            "delivered": "_total",
            "dead_lettered": "_total",
            "returned": "_total",
            "pending": "",
        }
        ledger = {name: int(metrics[f"patternapp_worker_events_{name}{end}"]) for name, end in names.items()}
        ended = ledger["delivered"] + ledger["dead_lettered"] + ledger["returned"]
        assert ledger["received"] == ended + ledger["pending"], ledger
        return ledger


def worker(function: str) -> dict[str, Any]:
    """What the configuration of a worker has, whatever its log is; nobody takes dead letters."""
    return {
        "url": function,
        "batch": {"max": 20, "waitSeconds": 0.05},
        "ordered": False,
        "delivery": {
            "retry": 2,
            "backoffPolicy": "linear",
            "backoffDelaySeconds": 0.1,
            "timeoutSeconds": 30.0,
        },
        "deadLetter": {"uri": "http://127.0.0.1:1/"},
    }
