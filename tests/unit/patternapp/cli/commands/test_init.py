"""`patternapp init`."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from patternapp.cli import appfile
from patternapp.cli.commands import init
from patternapp.plan import model
from patternapp.receiver import server

if TYPE_CHECKING:
    from pathlib import Path

PATTERNS = pytest.mark.parametrize("pattern", init.Pattern, ids=str)


@PATTERNS
def test_a_new_app_is_valid_and_named_after_its_folder(pattern: init.Pattern, tmp_path: Path, patternapp: Any) -> None:
    folder = tmp_path / "My first_app"

    result = patternapp("init", folder, "--pattern", pattern)

    assert result.code == 0, result.err
    assert appfile.plan(folder / "app.yaml").app == "my-first-app"
    assert {path.name for path in folder.iterdir()} == {"app.yaml", "functions.py", "README.md"}


@PATTERNS
def test_every_handler_of_a_new_app_can_be_loaded(pattern: init.Pattern, tmp_path: Path, patternapp: Any) -> None:
    patternapp("init", tmp_path, "--pattern", pattern)
    starter = f"patternapp.cli.starters.{pattern.replace('-', '_')}"

    handlers = [function.handler or "" for function in appfile.plan(tmp_path / "app.yaml").nodes_of(model.Function)]

    assert (tmp_path / "functions.py").read_text() == inspect.getsource(importlib.import_module(starter))
    for handler in handlers:
        assert callable(server.load(handler.replace("functions", starter)))


@PATTERNS
def test_the_readme_says_how_to_see_it_work(pattern: init.Pattern, tmp_path: Path, patternapp: Any) -> None:
    result = patternapp("init", tmp_path, "--pattern", pattern)

    assert init.TRY[pattern] in (tmp_path / "README.md").read_text()
    assert init.TRY[pattern] in result.out


def test_the_command_that_runs_it_can_be_pasted_whatever_the_folder_is_called(tmp_path: Path, patternapp: Any) -> None:
    result = patternapp("init", tmp_path / "my app")

    assert f"Run it: patternapp dev '{tmp_path}/my app/app.yaml'\n" in result.out


def test_nothing_is_overwritten(tmp_path: Path, patternapp: Any) -> None:
    (tmp_path / "README.md").write_text("mine")

    result = patternapp("init", tmp_path)

    assert result.code == 1
    assert "has README.md already; name another folder" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_folder_whose_name_has_no_letters_still_gives_an_app(tmp_path: Path, patternapp: Any) -> None:
    patternapp("init", tmp_path / "___")

    assert appfile.plan(tmp_path / "___" / "app.yaml").app == "app"
