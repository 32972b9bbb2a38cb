"""What the server tells the application that it runs, through the state of ASGI's lifespan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from patternapp.receiver.readers import Wire
    from patternapp.receiver.steps import Step

KEY = "patternapp.hosting"
"""Where it is in the lifespan's state."""


class Hosting:
    """The server, as its application sees it.

    Attributes:
        stopping: Whether the server was told to end; it goes on for a while then, but is not ready any more.
        around: Each puts a step in front of another, the first of them the innermost; it is told the types of events
            that have a handler of their own.
        repeated: Told of each event that was answered from what is kept of its first handling.
        refused: Told the status of each request that no handler saw.
        closing: Called, in threads, when everything is answered.
    """

    def __init__(self) -> None:
        self.stopping = False
        self.around: tuple[Callable[[Step, frozenset[str]], Step], ...] = ()
        self.repeated: Callable[[Wire], None] = _forget
        self.refused: Callable[[int], None] = _forget
        self.closing: tuple[Callable[[], None], ...] = ()


def of(scope: Any) -> Hosting:
    """What a lifespan's scope has; other servers tell nothing, and readiness ends with the lifespan then."""
    hosting = (scope.get("state") or {}).get(KEY)
    return hosting if isinstance(hosting, Hosting) else Hosting()


def _forget(_: object) -> None:
    """Keep no count."""
