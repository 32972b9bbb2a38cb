"""Makes events of what was typed on a command line."""

from __future__ import annotations

import datetime as dt
import json
import mimetypes
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp.cloudevents import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_MARK = "@"


def events(attributes: Mapping[str, str], data: str | None, *, count: int) -> tuple[Event[bytes | None], ...]:
    """So many events with these attributes; each gets an id of its own and the time, where none is given.

    Args:
        attributes: What the events have in common.
        data: JSON, ``@FILE`` for a file's content, or None for no data.
        count: How many.

    Raises:
        PatternAppError: The data is not JSON, or the file cannot be read.
    """
    content = None
    common: dict[str, str] = {"specversion": "1.0", "time": dt.datetime.now(dt.UTC).isoformat(), **attributes}
    if data is not None:
        common["datacontenttype"], content = _content(data)
    return tuple(Event({"id": str(uuid.uuid4()), **common}, content) for _ in range(count))


def _content(data: str) -> tuple[str, bytes]:
    """The media type and the bytes."""
    if data.startswith(FILE_MARK):
        path = Path(data.removeprefix(FILE_MARK))
        try:
            return mimetypes.guess_type(path)[0] or "application/octet-stream", path.read_bytes()
        except OSError as error:
            raise errors.PatternAppError(
                f"--data: {path} cannot be read: {error.strerror}; name another file"
            ) from error
    try:
        json.loads(data)
    except ValueError as error:
        raise errors.PatternAppError(
            f"--data is not JSON: {error}; quote it for the shell, such as --data '{{\"order\": 7}}', or use @FILE"
        ) from error
    return "application/json", data.encode()
