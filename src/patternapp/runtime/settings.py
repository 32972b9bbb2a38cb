"""How one `dev` is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp.http.limits import USUAL, Limits

if TYPE_CHECKING:
    from pathlib import Path

    from patternapp.cloudevents import Event

HOST = "127.0.0.1"
"""The address that `dev` listens on: this machine's own."""
STOP_GRACE = 10.0
"""Seconds that everything under way gets to finish at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one `dev` is run.

    Attributes:
        folder: The folder of the app's file: functions are imported from it and run in it.
        data: Where everything durable is kept; made where it is missing.
        port: The one port, on `HOST`.
        reload: Whether functions are reloaded when their files change.
        once: Events to deliver before ending; None to stay up.
        keep: Seconds that events are kept once they are over.
        newest: Events that are kept at most, beside those that are not over.
        limits: What a client may take of the port.
        stop_grace: Seconds that everything under way gets to finish at the end: deliveries, requests, functions.
    """

    folder: Path
    data: Path
    port: int = 8700
    reload: bool = True
    once: tuple[Event[bytes | None], ...] | None = None
    keep: float = 24 * 3600.0
    newest: int = 100_000
    limits: Limits = USUAL
    stop_grace: float = STOP_GRACE

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"
