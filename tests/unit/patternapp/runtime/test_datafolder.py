"""The data folder: one holder, one token."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from patternapp import errors
from patternapp.runtime.datafolder import DataFolder

if TYPE_CHECKING:
    from pathlib import Path


def test_holding_the_folder_makes_it(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "shop" / ".patternapp").held():
        assert (tmp_path / "shop" / ".patternapp").is_dir()


def test_a_second_holder_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    refusal = rf"^another `patternapp dev` uses the data folder {tmp_path}; stop it, or name another one with --data$"

    with (
        DataFolder(tmp_path).held(),
        pytest.raises(errors.EnvironmentProblem, match=refusal),
        DataFolder(tmp_path).held(),
    ):
        pass


def test_the_folder_is_free_again_once_its_holder_is_done(tmp_path: Path) -> None:
    with DataFolder(tmp_path).held():
        pass

    with DataFolder(tmp_path).held():
        pass


def test_a_folder_that_cannot_be_made_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(errors.EnvironmentProblem, match=r"file/data cannot be used: Not a directory$"),
        DataFolder(tmp_path / "file" / "data").held(),
    ):
        pass


def test_the_token_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    DataFolder(tmp_path).token()

    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_the_token_stays_the_same_in_every_run(tmp_path: Path) -> None:
    assert DataFolder(tmp_path).token() == DataFolder(tmp_path).token() == (tmp_path / "token").read_text().strip()


def test_two_folders_have_two_tokens_that_nobody_guesses(tmp_path: Path) -> None:
    tokens = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tokens.add(DataFolder(tmp_path / name).token())

    assert len(tokens) == 2
    assert min(len(token) for token in tokens) >= 43


def test_a_token_file_that_was_left_empty_by_a_crash_gets_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").touch(0o600)

    token = DataFolder(tmp_path).token()

    assert token
    assert DataFolder(tmp_path).token() == token
