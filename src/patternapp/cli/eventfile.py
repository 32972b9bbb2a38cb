"""Reads files of events: one structured CloudEvent, a JSON array of them, or one a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from patternapp import cloudevents, errors
from patternapp.cli import appfile

if TYPE_CHECKING:
    from pathlib import Path

STRUCTURED = ((b"content-type", cloudevents.STRUCTURED.encode()),)


def read(path: Path) -> tuple[cloudevents.Event[bytes | None], ...]:
    """The file's events in their order; ``-`` is standard input.

    Raises:
        SpecError: The file is not JSON, or some of it are not CloudEvents; a Problem for each of these.
    """
    name = appfile.name(path)
    events: list[cloudevents.Event[bytes | None]] = []
    problems: list[errors.Problem] = []
    for line, where, value in _values(appfile.text(path), name):
        try:
            events.append(cloudevents.decode(STRUCTURED, json.dumps(value).encode()))
        except errors.CloudEventError as error:
            problems.append(errors.Problem(name, line, where, "InvalidEvent", str(error)))
    if problems:
        raise errors.SpecError(tuple(problems))
    return tuple(events)


def only(path: Path) -> cloudevents.Event[bytes | None]:
    """The one event of a file; raises as `read` does, and where it has several or none."""
    events = read(path)
    if len(events) != 1:
        message = f"{len(events)} events, and one is wanted; put each into a file of its own"
        raise errors.SpecError((errors.Problem(appfile.name(path), 0, "", "SeveralEvents", message),))
    return events[0]


def _values(text: str, name: str) -> list[tuple[int, str, Any]]:
    """Each event with its line (0: unknown) and its place in the file."""
    try:
        whole = json.loads(text)
    except ValueError:
        return [
            (number, "", _parsed(line, name, number))
            for number, line in enumerate(text.splitlines(), 1)
            if line and not line.isspace()
        ]
    if isinstance(whole, list):
        return [(0, f"[{number}]", value) for number, value in enumerate(whole)]
    return [(1, "", whole)]


def _parsed(line: str, name: str, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise errors.SpecError(
            (errors.Problem(name, number, "", "InvalidJson", f"{error}; write a JSON array, or one event a line"),)
        ) from error
