"""Reads files of events: one structured CloudEvent, a JSON array of them, or one a line.

What holds here: an event is decoded from its own text, as a receiver would, so nothing of it is written anew before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from patternapp import cloudevents, errors
from patternapp.cli import appfile

if TYPE_CHECKING:
    from pathlib import Path

STRUCTURED = ((b"content-type", cloudevents.STRUCTURED.encode()),)
LIMIT = 8 * 1024 * 1024
"""Bytes of a file: all its events are held at once."""
_JSON = json.JSONDecoder()


def read(path: Path) -> tuple[cloudevents.Event[bytes | None], ...]:
    """The file's events in their order; ``-`` is standard input.

    Raises:
        SpecError: The file is not JSON, or some of it are not CloudEvents; a Problem for each of these.
    """
    name = appfile.name(path)
    events: list[cloudevents.Event[bytes | None]] = []
    problems: list[errors.Problem] = []
    for line, where, text in _texts(appfile.text(path, limit=LIMIT), name):
        try:
            events.append(cloudevents.decode(STRUCTURED, text.encode()))
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


def _texts(text: str, name: str) -> list[tuple[int, str, str]]:
    """Each event's JSON text with its line (0: unknown) and its place in the file."""
    try:
        if text.lstrip().startswith("["):
            return [(0, f"[{number}]", part) for number, part in enumerate(_members(text))]
        _JSON.decode(text)
    except RecursionError:
        raise errors.SpecError((errors.Problem(name, 0, "", "TooDeep", "nested too deeply; flatten it"),)) from None
    except ValueError:
        return [
            (number, "", _checked(line, name, number))
            for number, line in enumerate(text.splitlines(), 1)
            if line and not line.isspace()
        ]
    return [(1, "", text)]


def _members(text: str) -> list[str]:
    """The texts of the members of a JSON array; ValueError where the text is none."""
    members: list[str] = []
    at = _past_space(text, text.index("[") + 1)
    while text[at : at + 1] != "]" or members:
        _, end = _JSON.raw_decode(text, at)
        members.append(text[at:end])
        at = _past_space(text, end)
        if text[at : at + 1] != ",":
            break
        at = _past_space(text, at + 1)
    if text[at : at + 1] != "]" or text[at + 1 :].strip():
        raise ValueError("the array does not end with the text")
    return members


def _past_space(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _checked(line: str, name: str, number: int) -> str:
    try:
        _JSON.decode(line)
    except (ValueError, RecursionError) as error:
        raise errors.SpecError(
            (errors.Problem(name, number, "", "InvalidJson", f"{error}; write a JSON array, or one event a line"),)
        ) from error
    return line
