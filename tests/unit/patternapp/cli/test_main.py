"""Exit codes and streams of the whole command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import harness
import pytest
import typer.main

from patternapp.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def commands() -> Iterator[tuple[str, ...]]:
    """Every command and every subcommand, as typed."""

    def below(group: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        for name, command in getattr(group, "commands", {}).items():
            yield from below(command, (*path, name))

    yield from below(typer.main.get_command(main.build()), ())


@pytest.mark.parametrize("path", tuple(commands()), ids=lambda path: " ".join(("patternapp", *path)))
def test_every_command_has_help_with_an_example_of_itself(path: tuple[str, ...], patternapp: Any) -> None:
    result = patternapp(*path, "--help")

    assert result.code == 0
    assert "Example:" in result.out
    assert " ".join(("patternapp", *path)) in result.out.split("Example:")[1]


def test_the_issue_s_commands_are_all_there() -> None:
    expected = {
        *("init", "validate", "render", "diff", "status", "graph", "schema"),
        *("dev", "send", "events", "explain", "dlq", "schedule", "serve"),
    }

    assert {path[0] for path in commands() if path} == expected


def test_success_exits_with_0_and_says_nothing_on_stderr(program: Any) -> None:
    result = program("--version")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("patternapp ")


def test_wrong_input_exits_with_1_and_leaves_stdout_empty(program: Any, tmp_path: Path) -> None:
    result = program("validate", str(tmp_path / "missing.yaml"))

    assert (result.returncode, result.stdout) == (1, "")
    assert "missing.yaml: cannot be read: No such file or directory [UnreadableFile]" in result.stderr


def test_wrong_usage_exits_with_2(program: Any) -> None:
    result = program("validate")

    assert (result.returncode, result.stdout) == (2, "")
    assert "Missing argument" in result.stderr


def test_a_missing_server_exits_with_3_and_says_how_to_start_one(program: Any) -> None:
    # Port 1 needs root to listen on, so nothing does.
    result = program("events", "--url", "http://127.0.0.1:1")

    assert (result.returncode, result.stdout) == (3, "")
    assert "Connection refused; start it with: patternapp dev app.yaml" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_reader_that_had_enough_is_no_error() -> None:
    with subprocess.Popen(
        [*harness.PATTERNAPP, "schema", "--crd"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.close()

        _, err = writer.communicate(timeout=60)

    assert err == ""


def test_a_line_to_stderr_has_no_styles_unless_a_terminal_reads_it(patternapp: Any, tmp_path: Path) -> None:
    result = patternapp("validate", tmp_path / "missing.yaml")

    assert "\x1b" not in result.err


def test_python_runs_the_package_as_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "patternapp", "validate", str(tmp_path / "missing.yaml")]

    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=harness.DEADLINE)

    assert (result.returncode, result.stdout) == (1, "")
    assert "UnreadableFile" in result.stderr


def test_ctrl_c_while_the_command_line_is_loaded_ends_it_without_a_word(tmp_path: Path) -> None:
    # A module in front of the real one, which interrupts its own process as it is imported.
    package = tmp_path / "typer"
    package.mkdir()
    (package / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    command = [sys.executable, "-m", "patternapp", "--version"]

    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        timeout=harness.DEADLINE,
    )

    assert (result.returncode, result.stdout, result.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_while_a_command_runs_exits_with_130_and_no_traceback(tmp_path: Path) -> None:
    pipe = tmp_path / "app.yaml"
    os.mkfifo(pipe)

    command = [sys.executable, "-m", "patternapp", "validate", str(pipe)]
    # Opening the pipe succeeds once the command reads it.
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        pipe.open("wb"),
    ):
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=harness.DEADLINE)

    assert (process.returncode, err) == (130, "")


@pytest.mark.parametrize(
    "arguments", [("status",), ("diff", "{app}"), ("graph", "--live", "hello")], ids=lambda parts: parts[0]
)
def test_without_the_package_that_asks_a_cluster_it_is_said_how_to_get_it(
    arguments: tuple[str, ...], app: Path
) -> None:
    script = "import sys; sys.modules['kubernetes'] = None; from patternapp.cli import main; main.main()"
    typed = [part.format(app=app) for part in arguments]

    result = subprocess.run(
        [sys.executable, "-c", script, *typed], capture_output=True, text=True, check=False, timeout=harness.DEADLINE
    )

    assert (result.returncode, result.stdout) == (3, "")
    assert "pip install 'patternapp[cluster]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_what_asks_a_cluster_says_when_there_is_no_kubeconfig(app: Path, patternapp: Any, tmp_path: Path) -> None:
    result = patternapp("diff", app, "--kubeconfig", tmp_path / "missing")

    assert (result.code, result.out) == (3, "")
    assert "there is no kubeconfig" in result.err
