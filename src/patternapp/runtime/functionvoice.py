"""What functions say and what becomes of them, from the pool to the terminal and the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.runtime.store.records import LogLine

if TYPE_CHECKING:
    from patternapp.runtime.listener import Listener
    from patternapp.runtime.logbook import Logbook


class FunctionVoice:
    """The pool's listener: shows every line, and keeps those that belong to an event with it."""

    def __init__(self, listener: Listener, logbook: Logbook) -> None:
        self._listener = listener
        self._logbook = logbook

    def line(self, function: str, pid: int, stream: str, event_number: int | None, text: str, at: float) -> None:
        """A function printed a line."""
        self._listener.line(function, stream, event_number, text)
        if event_number is not None:
            self._logbook.add(LogLine(event=event_number, at=at, function=function, stream=stream, line=text))
