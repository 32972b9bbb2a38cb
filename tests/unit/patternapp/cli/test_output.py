"""Columns and JSON as they are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.cli import output

if TYPE_CHECKING:
    import pytest


def test_columns_are_aligned_below_their_head(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("NAME", "COUNT"), [("a-long-name", 1), ("b", None)])

    assert capsys.readouterr().out.splitlines() == ["NAME          COUNT", "a-long-name   1", "b             -"]


def test_a_table_without_rows_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("NAME", "COUNT"), [])

    assert capsys.readouterr().out == "NAME   COUNT\n"


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    assert output.shown("\x1b[2Jgone\r") == "\N{REPLACEMENT CHARACTER}[2Jgone\N{REPLACEMENT CHARACTER}"


def test_lines_and_tabs_of_a_text_stay() -> None:
    assert output.shown("a\tb\nü") == "a\tb\nü"


def test_json_keeps_the_characters_of_other_languages(capsys: pytest.CaptureFixture[str]) -> None:
    output.as_json({"name": "Zoë"})

    assert capsys.readouterr().out == '{\n  "name": "Zoë"\n}\n'
