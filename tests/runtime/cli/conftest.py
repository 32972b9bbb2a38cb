"""A running app, and the command that talks to it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import harness
import pytest

SPEC = """
    image: registry.example.com/test:1
    functions:
      - {name: greeter, handler: "functions:app"}
    eventDriven:
      - name: hello
        filters: [{prefix: {type: hello.}}]
        function: greeter
        delivery: {retry: 0}
    streams:
      - name: clicks
        kafka: {bootstrapServers: ["kafka:9092"], topics: [clicks], consumerGroup: clicks}
        function: greeter
    schedules:
      - {name: yearly, cron: "@yearly", function: greeter, data: {days: 7}}
"""
FUNCTIONS = """
    import pathlib

    from patternapp.receiver import Event, Receiver, Reject

    app = Receiver()

    @app.on("hello.said", reply="answer.given")
    async def greet(event: Event[dict[str, str]]) -> dict[str, str]:
        print(f"greeting {event.data['name']}")
        return {"text": f"Hello, {event.data['name']}!"}

    @app.on("hello.shouted")
    async def refuse(event: Event[object]) -> None:
        if not pathlib.Path("ears-covered").exists():
            raise Reject("too loud")

    @app.on()
    async def take(event: Event[object]) -> None:
        pass
"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


class App:
    """A `dev` of the app above, and `patternapp` commands against it."""

    def __init__(self, dev: harness.Dev) -> None:
        self.dev = dev
        self.url = f"http://127.0.0.1:{dev.port}"

    def start(self, command: str, *arguments: object) -> subprocess.Popen[str]:
        """A command that is still running; its standard output is a pipe."""
        return subprocess.Popen(
            [*harness.PATTERNAPP, *command.split(), *map(str, arguments), "--url", self.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.dev.folder,
        )

    def run(self, command: str, *arguments: object) -> Result:
        """A command that ran to its end."""
        with self.start(command, *arguments) as process:
            out, err = process.communicate(timeout=harness.DEADLINE)
        return Result(process.returncode, out, err)

    def dead_letter(self) -> int:
        """Make one; its delivery's number is returned."""
        assert self.run("send hello.shouted").code == 0
        self.dev.settled()
        number: int = self.run("dlq list -o json").json()["deadLetters"][-1]["delivery"]
        return number


@pytest.fixture
def app(dev: harness.Dev) -> App:
    return App(dev.write(SPEC, functions=FUNCTIONS).start())
