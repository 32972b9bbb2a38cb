"""Whom the runtime tells what happens: the terminal of `patternapp dev`, or a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from patternapp.runtime.store.records import Settlement

Level = Literal["info", "warning", "error"]


class Listener(Protocol):
    """Called in the event loop; returns at once."""

    def line(self, function: str, stream: str, event: int | None, text: str) -> None:
        """A function printed a line, on `stdout` or `stderr`, while it worked on this event."""
        ...

    def changed(self, text: str, level: Level) -> None:
        """Something about the app changed: a function started, was reloaded, could not be imported."""
        ...

    def failed(self, edge: str, settlement: Settlement, *, now: float) -> None:
        """An attempt at a delivery failed: it is tried again, or it was the last."""
        ...
