"""What functions say and what becomes of them, from the pool to the terminal and the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.runtime.store.records import LogLine

if TYPE_CHECKING:
    from patternapp.runtime.functions.model import Change, Kind, Stream
    from patternapp.runtime.listener import Level, Listener
    from patternapp.runtime.store.logbook import Logbook

_LEVELS: dict[Kind, Level] = {
    "started": "info",
    "stopped": "info",
    "reloaded": "info",
    "failed": "error",
    "crashed": "error",
    "unwatched": "warning",
}


class Reporter:
    """The pool's listener: shows every line, and keeps those that belong to an event with it."""

    def __init__(self, listener: Listener, logbook: Logbook) -> None:
        self._listener = listener
        self._logbook = logbook

    def line(self, function: str, pid: int, stream: Stream, event: int | None, text: str, at: float) -> None:  # noqa: ARG002 - the protocol
        """A function printed a line."""
        self._listener.line(function, stream, event, text)
        if event is not None:
            self._logbook.add(LogLine(event=event, at=at, function=function, stream=stream, line=text))

    def changed(self, change: Change) -> None:
        """Something became of a function."""
        who = "functions" if change.function is None else change.function
        text = " ".join(part for part in (who, change.kind, change.reason) if part)
        self._listener.changed(f"{text}\n{change.traceback}".rstrip(), _LEVELS[change.kind])
