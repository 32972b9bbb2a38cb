"""The program of the image: what it answers to what it cannot run."""

from __future__ import annotations

import json
import logging
from pathlib import Path  # noqa: TC003 - a fixture's type
from typing import TYPE_CHECKING

import pytest

from patternapp_services import program

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    """The program sets up the loggers of its process, which here is the tests'."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    named = {name: logging.getLogger(name) for name in ("kafka", "aio_pika", "aiormq", "patternapp_services")}
    levels = {name: logger.level for name, logger in named.items()}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        named[name].setLevel(before)


def run(role: str, file: Path) -> int:
    return program.main([role, "--config", str(file)])


def said(captured: pytest.CaptureFixture[str]) -> str:
    (line,) = captured.readouterr().err.splitlines()
    message: str = json.loads(line)["message"]
    return message


def test_a_configuration_that_is_not_there_is_the_machine_s_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("worker", tmp_path / "none.json") == 3
    assert "cannot be read" in said(capsys)


@pytest.mark.parametrize(
    ("role", "config", "flaw"),
    [
        ("worker", "{", "Invalid JSON"),
        ("worker", '{"kafka": {}}', "kafka.bootstrapServers: Field required"),
        ("enqueue", '{"logs": [{"path": "/queue/a"}]}', "give exactly one of kafka and rabbitmq"),
        ("enqueue", '{"logs": [], "more": 1}', "more: Extra inputs are not permitted"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused_with_its_first_flaw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str, config: str, flaw: str
) -> None:
    file = tmp_path / "config.json"
    file.write_text(config)

    assert run(role, file) == 1

    assert flaw in said(capsys)


def test_a_role_that_is_not_known_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run("nobody", tmp_path / "config.json")

    assert ended.value.code == 2
