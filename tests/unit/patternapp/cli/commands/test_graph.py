"""`patternapp graph`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("format_", "start"), [("mermaid", "flowchart LR\n"), ("dot", 'digraph "hello" {\n'), ("svg", "<svg ")]
)
def test_an_app_is_drawn_in_each_format(format_: str, start: str, app: Path, patternapp: Any) -> None:
    result = patternapp("graph", app, "--format", format_)

    assert result.code == 0
    assert result.out.startswith(start)
    assert result.out.endswith("\n")


def test_mermaid_is_the_format_when_none_is_named(app: Path, patternapp: Any) -> None:
    assert patternapp("graph", app) == patternapp("graph", app, "--format", "mermaid")


def test_json_is_the_plan(app: Path, patternapp: Any) -> None:
    plan = json.loads(patternapp("graph", app, "--format", "json").out)

    assert plan["app"] == "hello"
    assert {node["key"] for node in plan["nodes"]} == {"function/greeter", "broker"}
