"""Which error gives which exit code and which line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patternapp import errors
from patternapp.cli import failures
from patternapp.cluster import failures as cluster

if TYPE_CHECKING:
    from pathlib import Path

PROBLEM = errors.Problem("app.yaml", 12, "spec.queues[0].batch.max", "TooSmall", "must be at least 1; write 1")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.SpecError((PROBLEM,)), 1),
        (errors.CloudEventError("id", "is missing"), 1),
        (errors.PatternAppError("no"), 1),
        (errors.EnvironmentProblem("the port is taken"), 3),
        (errors.StoreError("the disk is full"), 3),
        (cluster.Forbidden("GET /", "you may not", 0), 3),
        (PermissionError(13, "Permission denied"), 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_kind_of_an_error_decides_the_exit_code(error: BaseException, code: int) -> None:
    assert failures.exit_code(error) == code


def test_a_problem_is_one_line_with_file_line_path_mend_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    failures.show(errors.SpecError((PROBLEM, PROBLEM)))

    line = "app.yaml:12: spec.queues[0].batch.max: must be at least 1; write 1 [TooSmall]\n"
    assert capsys.readouterr().err == line * 2


def test_what_is_not_known_about_a_problem_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    failures.show(errors.SpecError((errors.Problem("app.yaml", 0, "", "UnreadableFile", "is not UTF-8"),)))

    assert capsys.readouterr().err == "app.yaml: is not UTF-8 [UnreadableFile]\n"


def test_an_error_of_the_system_names_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "photo.jpg").read_bytes()

    failures.show(caught.value)

    assert capsys.readouterr().err == f"error: {tmp_path / 'photo.jpg'}: No such file or directory\n"
