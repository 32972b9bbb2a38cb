"""What `make check` judges, judged itself: nothing is left out on the quiet."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
OURS = ("kind", ".ci", "bench", "charts", "docs", "examples", "manifests", "operator", "services", "src", "tests")
ABOUT_IMPORTS = "B404"
"""What is run by `subprocess` is judged at each call."""


def files(pattern: str) -> list[Path]:
    found = [path for folder in OURS for path in (ROOT / folder).rglob(pattern) if path.is_file()]
    return [path for path in found if not {".patternapp", "__pycache__"} & set(path.parts)]


def command(target: str) -> list[str]:
    """The files that a target of the Makefile names."""
    done = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/.dev", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_every_shell_script_is_checked() -> None:
    scripts = {
        path for path in files("*") if path.suffix == ".sh" or path.read_bytes()[:40].startswith(b"#!/usr/bin/env bash")
    }

    assert scripts
    assert {str(path.relative_to(ROOT)) for path in scripts} <= set(command("shell"))


def test_every_dockerfile_is_checked() -> None:
    assert {str(path.relative_to(ROOT)) for path in files("Dockerfile")} <= set(command("dockerfiles"))


def test_what_bandit_passes_over_ruff_asks_a_reason_for() -> None:
    lint = SETTINGS["ruff"]["lint"]
    shipped = [
        rules for files_, rules in lint["per-file-ignores"].items() if not files_.startswith(("tests/", "bench/"))
    ]
    passed_over = {f"S{rule.removeprefix('B')}" for rule in SETTINGS["bandit"]["skips"] if rule != ABOUT_IMPORTS}

    assert lint["select"] == ["ALL"]
    assert not passed_over & {*lint["ignore"], *(rule for rules in shipped for rule in rules)}
