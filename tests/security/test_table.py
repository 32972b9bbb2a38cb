"""The table of attacks in ``docs/security.md`` is true: it has every attack, and its tests are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "security.md").read_text().splitlines()
    if re.match(r"\| A\d+ \|", line)
]


def named_in(file: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_attack_has_a_row() -> None:
    assert [row[0] for row in ROWS] == [f"A{number}" for number in range(1, 21)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_attack_names_what_stops_it_and_tests_that_there_are(row: list[str]) -> None:
    _, attack, what_stops_it, named = row
    found = re.findall(r"`(tests/[^`:]+\.py)::(test_\w+)`", named)

    assert attack
    assert what_stops_it
    assert found
    assert [name for file, name in found if name not in named_in(ROOT / file)] == []
