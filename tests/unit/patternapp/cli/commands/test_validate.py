"""`patternapp validate`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def broken(app: Path) -> Path:
    file = app.with_name("broken.yaml")
    file.write_text(app.read_text().replace("function: greeter", "function: nobody").replace("image:", "imgae:"))
    return file


def test_a_valid_file_is_named_with_its_app(app: Path, patternapp: Any) -> None:
    result = patternapp("validate", app)

    assert (result.code, result.err) == (0, "")
    assert result.out == f"{app}: hello: valid\n"


def test_every_problem_is_a_line_with_its_place(broken: Path, patternapp: Any) -> None:
    result = patternapp("validate", broken)

    assert (result.code, result.out) == (1, "")
    assert f"{broken}:5: " in result.err
    assert "imgae" in result.err


def test_problems_of_all_files_are_told_at_once(app: Path, broken: Path, patternapp: Any) -> None:
    missing = broken.with_name("missing.yaml")

    result = patternapp("validate", missing, app, broken)

    assert result.code == 1
    assert result.out == f"{app}: hello: valid\n"
    assert f"{missing}: cannot be read" in result.err
    assert f"{broken}:5: " in result.err


def test_json_has_the_problems_as_data(broken: Path, patternapp: Any) -> None:
    result = patternapp("validate", broken, "-o", "json")

    assert (result.code, result.err) == (1, "")
    verdict = json.loads(result.out)
    assert verdict["valid"] is False
    assert set(verdict["problems"][0]) == {"file", "line", "path", "reason", "message"}


def test_json_of_a_valid_file_has_no_problems(app: Path, patternapp: Any) -> None:
    result = patternapp("validate", app, "-o", "json")

    assert result.code == 0
    assert json.loads(result.out) == {"valid": True, "problems": []}
