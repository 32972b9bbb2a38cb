"""A16: what others wrote is shown, and neither a terminal nor a reader takes it for something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from security import limited

if TYPE_CHECKING:
    from pathlib import Path

OBEYED = (
    "\x1bc",  # resets the terminal
    "\x1b[2J\x1b[1;1H",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\",
    "\x1bP1$r\x1b\\",
    "\x9b2J",  # the same in one character
    "\x85",
    "\u202egnp.exe",  # turns the order of letters
    "\u2028",
)
APP: dict[str, Any] = {
    "apiVersion": "patternapp.dev/v1alpha1",
    "kind": "PatternApp",
    "metadata": {"name": "shop"},
    "spec": {"image": "shop:1", "functions": [{"name": "orders", "handler": "shop:app"}]},
}


def app(**spec: Any) -> str:
    return json.dumps(APP | {"spec": APP["spec"] | spec})


def harmless(text: str) -> bool:
    return text.replace("\n", "").replace("\t", "").isprintable()


COMMANDS = {
    "validate": ("validate", "{file}"),
    "validate for programs": ("validate", "{file}", "-o", "json"),
    "render": ("render", "{file}"),
    "render as JSON": ("render", "{file}", "-o", "json"),
    "mermaid": ("graph", "{file}", "--format", "mermaid"),
    "dot": ("graph", "{file}", "--format", "dot"),
    "svg": ("graph", "{file}", "--format", "svg"),
    "graph as JSON": ("graph", "{file}", "--format", "json"),
    "explain": ("explain", "event.json", "--app", "{file}"),
    "explain as JSON": ("explain", "event.json", "--app", "{file}", "-o", "json"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_prints_what_a_terminal_would_obey(command: str, tmp_path: Path) -> None:
    text = "".join(OBEYED)
    kinds = [{"exact": {"type": f"a{text}"}}, {"cesql": f"type = '{text}'"}]
    events = [{"name": "e", "function": "orders", "filters": kinds}]
    gateway = {"routes": [{"name": "r", "path": "/r", "publish": {"type": f"t{text}"}}]}
    program = [{"name": "orders", "command": ["run", text]}]
    (tmp_path / "app.yaml").write_text(
        app(functions=program, eventDriven=events, gateway=gateway, env=[{"name": "A", "value": text}])
    )
    (tmp_path / "event.json").write_text(
        json.dumps({"specversion": "1.0", "id": "\u202e1", "source": "/t", "type": "\u2028t"})
    )

    ended = limited.patternapp(*(part.format(file="app.yaml") for part in COMMANDS[command]), folder=tmp_path)

    assert ended.code == 0, ended.err
    assert harmless(ended.out)


@pytest.mark.parametrize("command", ["validate", "render", "graph", "dev"])
def test_no_problem_prints_what_a_terminal_would_obey_or_a_line_of_its_own(command: str, tmp_path: Path) -> None:
    text = "".join(OBEYED)
    file = f"app{text}\n.yaml".replace("/", "")
    (tmp_path / file).write_text(
        app(image=text, schedules=[{"name": "s", "cron": f"x{text}\nok", "function": f"{text}\nvalid"}], **{text: 1})
    )

    ended = limited.patternapp(command, file, folder=tmp_path)

    assert ended.code == 1
    assert harmless(ended.err)
    assert all(line.startswith("app") and line.endswith("]") for line in ended.err.splitlines())


def test_a_problem_for_programs_is_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(app(**{"\x9b\u202e": 1}))

    ended = limited.patternapp("validate", "app.yaml", "-o", "json", folder=tmp_path)

    (problem,) = json.loads(ended.out)["problems"]
    assert problem["path"] == r"spec['\x9b\u202e']"
    assert harmless(ended.out)
