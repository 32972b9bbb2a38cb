"""Reading an app's file for a command."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import harness
import pytest
import yaml

from patternapp import errors
from patternapp.cli import appfile

if TYPE_CHECKING:
    from pathlib import Path


def test_the_app_of_a_file_becomes_a_plan(app: Path) -> None:
    assert appfile.plan(app).app == "hello"


def test_a_command_that_wants_one_app_refuses_two(app: Path) -> None:
    app.write_text(f"{app.read_text()}---\n{app.read_text().replace('{name: hello}', '{name: other}')}")

    with pytest.raises(errors.SpecError, match="2 apps, and one is wanted"):
        appfile.plan(app)


def test_a_dash_is_standard_input(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(app.read_bytes())))

    (found,) = appfile.apps(type(app)("-"))

    assert found.metadata.name == "hello"


def test_a_file_that_is_no_text_is_a_problem_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "capabilities.yaml"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(errors.SpecError, match="is not UTF-8; save the file as UTF-8"):
        appfile.mapping(file)


def test_a_huge_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)

    with pytest.raises(errors.SpecError):
        appfile.apps(file)


def test_problems_that_a_caller_can_live_with_are_none(app: Path) -> None:
    app.write_text(app.read_text() + "  delivery: {deadLetter: {uri: 'http://127.0.0.1:9/'}}\n")
    with pytest.raises(errors.SpecError, match="LoopbackAddress"):
        appfile.plan(app)

    assert appfile.plan(app, accept=("LoopbackAddress",)).app == "hello"


@pytest.mark.parametrize(("text", "message"), [("[1]", "is not a mapping"), ("a: [", "not YAML")])
def test_a_mapping_is_wanted_where_one_is_read(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "capabilities.yaml"
    file.write_text(text)

    with pytest.raises(errors.SpecError, match=message):
        appfile.mapping(file)


def test_a_pipe_is_read_to_its_end(app: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(app.read_bytes(),))
    writer.start()

    (found,) = appfile.apps(pipe)

    writer.join()
    assert found.metadata.name == "hello"


def test_a_pipe_that_nobody_writes_to_is_a_problem_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appfile, "PIPE_PATIENCE", 0.0)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(errors.SpecError, match="is a pipe that nobody writes to"):
        appfile.apps(pipe)


def test_a_pipe_without_an_end_is_read_no_further_than_an_app_may_go(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", "/dev/zero", str(pipe)], stderr=subprocess.DEVNULL) as endless:
        with pytest.raises(errors.SpecError, match="TooLarge"):
            appfile.apps(pipe)

        assert endless.wait(harness.DEADLINE) != 0


def test_a_resource_has_what_its_author_wrote_and_no_defaults(app: Path) -> None:
    (found,) = appfile.resources(app)

    assert found == yaml.safe_load(app.read_text())
