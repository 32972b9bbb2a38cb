"""Reads an app's file for a command. Everything that is wrong with it is a SpecError."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING, Any

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from patternapp.plan.model import Plan
    from patternapp.render.capabilities import Capabilities
    from patternapp.spec.v1alpha1 import PatternApp

STDIN = "-"
PIPE_PATIENCE = 5.0
"""Seconds until somebody has to write to a named pipe."""


def content(path: Path, *, limit: int = -1) -> bytes:
    """The file's content, or its first `limit` bytes; raises SpecError where it cannot be read."""
    try:
        if str(path) == STDIN:
            return sys.stdin.buffer.read(limit)
        if path.is_fifo():
            return _piped(path, limit)
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error


def _piped(path: Path, limit: int) -> bytes:
    """The content of a pipe; one that nobody writes to would hold up whoever opens it for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with io.BufferedReader(io.FileIO(descriptor)) as file:
        select.select([descriptor], [], [], PIPE_PATIENCE)
        first = file.raw.read(1)
        if first == b"":
            raise _unreadable(path, "is a pipe that nobody writes to; start what writes to it first")
        # None: somebody will write, and may take the time for it.
        begun = first or b""
        os.set_blocking(descriptor, True)
        return begun + file.read(-1 if limit < 0 else limit - len(begun))


def text(path: Path, *, limit: int) -> str:
    """The file's text; raises SpecError where it cannot be read or has more than `limit` bytes."""
    read = content(path, limit=limit + 1)
    if len(read) > limit:
        raise _unreadable(path, f"has more than {limit} bytes; split it")
    try:
        return read.decode("utf-8-sig")
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


def resources(path: Path) -> tuple[dict[str, Any], ...]:
    """Every app in the file as a Kubernetes object: what its author wrote, and no defaults."""
    return tuple(app.model_dump(mode="json", by_alias=True, exclude_unset=True) for app in apps(path))


def capabilities(path: Path | None) -> Capabilities:
    """What a file says that the cluster can do, or the defaults."""
    from patternapp.render import capabilities

    return capabilities.DEFAULT if path is None else capabilities.from_mapping(mapping(path), file=name(path))


def _limited(path: Path) -> bytes:
    """What an app's file may have, and a byte more where it has more."""
    from patternapp.spec import yaml

    return content(path, limit=yaml.BYTE_LIMIT + 1)


def mapping(path: Path) -> dict[str, Any]:
    """The one YAML mapping in a file that is no app, read within the limits of an app."""
    from patternapp.spec import flaws, yaml

    reading = yaml.read(_limited(path))
    found = [flaw for _, known in reading.documents for flaw in known]
    if reading.broken is not None:
        found.append(reading.broken)
    if found:
        raise errors.SpecError(
            tuple(
                errors.Problem(name(path), one.line, flaws.dotted(one.path), one.reason, one.message) for one in found
            )
        )
    contents = [document.data for document, _ in reading.documents]
    if len(contents) != 1 or not isinstance(contents[0], dict):
        raise _unreadable(path, "is not a mapping; write NAME: VALUE lines")
    mapping: dict[str, Any] = contents[0]
    return mapping


def _unreadable(path: Path, message: str) -> errors.SpecError:
    return errors.SpecError((errors.Problem(name(path), 0, "", "UnreadableFile", message),))
