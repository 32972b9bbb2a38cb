"""The tree says what the design says."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path
    for folder in ("src", "operator/src", "services/src", "examples", "tests", "bench")
    for path in (ROOT / folder).rglob("*.py")
    if ".patternapp" not in path.parts
)
CEILING = 300


def test_operator_is_no_package_or_it_would_shadow_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_stays_small(path: Path) -> None:
    text = path.read_text()

    assert len(text.splitlines()) <= (2 * CEILING if "tests" in path.parts else CEILING)
    if "tests" not in path.parts:
        assert ast.get_docstring(ast.parse(text)), "the first line of a module is its docstring"


@pytest.mark.parametrize(
    ("imported", "unwanted"),
    [
        (
            "patternapp.cli.main; patternapp.cli.main.build()",
            {"pydantic", "yaml", "rich", "asyncio", "aiohttp", "fastapi", "starlette", "apsw", "kubernetes"},
        ),
        ("patternapp.cli.main; patternapp.cli.main.build('serve')", {"patternapp.cli.commands.dev", "patternapp.spec"}),
        ("patternapp.cluster.desired", {"kubernetes", "aiohttp", "asyncio", "typer"}),
        ("patternapp.http.server", {"fastapi", "pydantic", "yaml", "apsw", "aiohttp", "typer", "rich"}),
        ("patternapp.receiver.app", {"yaml", "apsw", "aiohttp", "typer", "rich", "patternapp.spec", "patternapp.plan"}),
        ("patternapp.receiver.server", {"fastapi", "yaml", "apsw", "aiohttp", "typer", "rich"}),
        ("patternapp.runtime.serve", {"fastapi", "typer", "kopf", "kubernetes"}),
        ("patternapp.spec.load", {"fastapi", "aiohttp", "rich", "starlette", "uvicorn"}),
    ],
)
def test_a_part_does_not_pay_for_what_it_does_not_use(imported: str, unwanted: set[str]) -> None:
    script = f"import sys, {imported}; print('\\n'.join(sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert not unwanted & set(loaded)
