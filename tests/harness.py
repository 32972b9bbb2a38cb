"""A real `patternapp dev` in a process of its own, on a free port, with an app written into a temporary folder."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATTERNAPP = (sys.executable, "-m", "patternapp.cli.main")
DEADLINE = 30.0
"""Seconds that anything in these tests may take before it counts as failed."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(check: Callable[[], Any], *, within: float = DEADLINE) -> Any:
    """The first true result of a check; what it last was is in the error when it never becomes true."""
    deadline = time.monotonic() + within
    pause = 0.01
    while not (result := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s; last seen: {result!r}")
        time.sleep(pause)  # between two looks at another process
        pause = min(pause * 1.5, 0.2)
    return result


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class Dev:
    """One app's `patternapp dev`: start it, talk to it, stop or kill it, start it again on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "app.yaml"
        self.data = folder / "data"
        self.output = folder / "dev.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def write(self, spec: str, **modules: str) -> Dev:
        """The app's spec (the text below `spec:`) and its Python modules."""
        body = textwrap.indent(textwrap.dedent(spec).strip(), "  ")
        self.file.write_text(
            f"apiVersion: patternapp.dev/v1alpha1\nkind: PatternApp\nmetadata: {{name: test}}\nspec:\n{body}\n"
        )
        for name, text in modules.items():
            self.module(name, text)
        return self

    def module(self, name: str, text: str) -> None:
        (self.folder / f"{name}.py").write_text(textwrap.dedent(text))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *options: str, env: dict[str, str] | None = None) -> Dev:
        with self.output.open("ab") as log:
            self._process = subprocess.Popen(
                [*PATTERNAPP, "dev", str(self.file), "--port", str(self.port), "--data", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
            )
        eventually(self._healthy)
        return self

    def _healthy(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"dev ended with {self._process.returncode}: {self.log()}")
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """The exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(DEADLINE)

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(DEADLINE)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def api(self, path: str, wish: Any = None) -> Any:
        """A read of the control API, or a write where there is something to send."""
        if wish is None:
            return self.get(f"/api/{path}").json()
        token = (self.data / "token").read_text().strip()
        answer = self.request("POST", f"/api/{path}", json.dumps(wish).encode(), {"authorization": f"Bearer {token}"})
        assert answer.status < 300, answer.body
        return answer.json()

    def send(self, type_: str, data: Any = None, *, path: str = "/events", id_: str = "1", **extensions: str) -> Answer:
        headers = {
            "content-type": "application/json",
            "ce-specversion": "1.0",
            "ce-id": id_,
            "ce-source": "/test",
            "ce-type": type_,
            **{f"ce-{name}": value for name, value in extensions.items()},
        }
        return self.request("POST", path, json.dumps(data).encode(), headers)

    def ledger(self) -> dict[str, int]:
        ledger: dict[str, int] = self.api("ledger")
        assert ledger["deliveries"] == ledger["delivered"] + ledger["dead_lettered"] + ledger["pending"]
        return ledger

    def settled(self, *, within: float = DEADLINE) -> dict[str, int]:
        """The ledger once nothing is pending."""

        def look() -> dict[str, int] | None:
            ledger = self.ledger()
            return ledger if ledger["pending"] == 0 else None

        known: dict[str, int] = eventually(look, within=within)
        return known

    def event(self, seq: int | str) -> dict[str, Any]:
        known: dict[str, Any] = self.api(f"events/{seq}")
        return known
