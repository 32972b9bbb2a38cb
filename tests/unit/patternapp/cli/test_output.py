"""Columns and JSON as they are printed."""

from __future__ import annotations

import json
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


def test_json_writes_what_a_terminal_would_obey_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"\x9b": "\x1b[2J\u202e\U000e0001"}

    output.as_json(value)

    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable()
    assert json.loads(printed) == value


def test_a_cell_adds_no_line_to_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("NAME",), [("a\nforged",)])

    assert capsys.readouterr().out.splitlines() == ["NAME", "a forged"]
