"""Reads an app's file for a command. Everything that is wrong with it is a SpecError."""

# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that --help stays quick
from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from patternapp import errors

if TYPE_CHECKING:
    from pathlib import Path

    from patternapp.plan.model import Plan
    from patternapp.spec.v1alpha1 import PatternApp

STDIN = "-"


def text(path: Path) -> str:
    """The file's text; raises SpecError where it cannot be read."""
    try:
        content = sys.stdin.buffer.read() if str(path) == STDIN else path.read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "is not UTF-8 text; save it as UTF-8") from error


def name(path: Path) -> str:
    """How messages call the file."""
    return "<stdin>" if str(path) == STDIN else str(path)


def apps(path: Path) -> tuple[PatternApp, ...]:
    """Every app in the file."""
    from patternapp.spec import load

    return load.load_all(text(path), file=name(path))


def plans(path: Path) -> tuple[Plan, ...]:
    """The plan of every app in the file."""
    from patternapp.plan import compile as compiler

    return tuple(compiler.compile_app(app) for app in apps(path))


def plan(path: Path) -> Plan:
    """The plan of the one app in the file."""
    found = plans(path)
    if len(found) != 1:
        raise _unreadable(path, f"has {len(found)} apps where one is wanted; give each its own file")
    return found[0]


def mapping(path: Path) -> dict[str, Any]:
    """The one YAML mapping in a file that is no app."""
    import yaml

    try:
        content = yaml.safe_load(text(path))
    except yaml.YAMLError as error:
        raise _unreadable(path, f"is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise _unreadable(path, "is not a mapping; write NAME: VALUE lines")
    return content


def _unreadable(path: Path, message: str) -> errors.SpecError:
    return errors.SpecError((errors.Problem(name(path), 0, "", "UnreadableFile", message),))
