"""Reads an app's file for a command. Everything that is wrong with it is a SpecError."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from patternapp.plan.model import Plan
    from patternapp.spec.v1alpha1 import PatternApp

STDIN = "-"


def content(path: Path, *, limit: int = -1) -> bytes:
    """The file's content, or its first `limit` bytes; raises SpecError where it cannot be read."""
    try:
        if str(path) == STDIN:
            return sys.stdin.buffer.read(limit)
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error


def text(path: Path) -> str:
    """The file's text; raises SpecError where it cannot be read."""
    try:
        return content(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, "is not UTF-8 text; save it as UTF-8") from error


def name(path: Path) -> str:
    """How messages call the file."""
    return "<stdin>" if str(path) == STDIN else str(path)


def apps(path: Path) -> tuple[PatternApp, ...]:
    """Every app in the file."""
    from patternapp.spec import load

    return load.load_all(_limited(path), file=name(path))


def plans(path: Path) -> tuple[Plan, ...]:
    """The plan of every app in the file."""
    from patternapp.plan import compile as compiler

    return tuple(compiler.compile_app(app) for app in apps(path))


def plan(path: Path, *, accept: Collection[str] = ()) -> Plan:
    """The plan of the one app in the file; problems with a reason in `accept` are none."""
    from patternapp.plan import compile as compiler
    from patternapp.spec import load

    return compiler.compile_app(load.load(_limited(path), file=name(path), accept=accept))


def _limited(path: Path) -> bytes:
    """What an app's file may have, and a byte more where it has more."""
    from patternapp.spec import yaml

    return content(path, limit=yaml.BYTE_LIMIT + 1)


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
