"""The server, as its connections see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Host:
    """What a server has told so far, and whom its connections tell.

    Attributes:
        stopping: Whether the server was told to end; it goes on for a while then, but every answer ends its connection.
        refused: Told the status of each request that no application saw.
    """

    def __init__(self) -> None:
        self.stopping = False
        self.refused: Callable[[int], None] = forget


def forget(_: object) -> None:
    """Keep no count."""
