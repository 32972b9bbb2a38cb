"""What the server tells the application that it runs, through the state of ASGI's lifespan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patternapp.http import host

if TYPE_CHECKING:
    from collections.abc import Callable

    from patternapp.receiver.readers import Wire
    from patternapp.receiver.steps import Step

KEY = "patternapp.hosting"
"""Where it is in the lifespan's state."""


class Hosting(host.Host):
    """The server, as its application sees it. It is not ready any more once it is `stopping`.

    Attributes:
        timeout: Seconds that a handler may take; None where it may take as long as it takes.
        around: Each puts a step in front of another, the first of them the innermost; it is told the types of events
            that have a handler of their own.
        repeated: Told of each event that was answered from what is kept of its first handling.
        closing: Called, in threads, when everything is answered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.timeout: float | None = None
        self.around: tuple[Callable[[Step, frozenset[str]], Step], ...] = ()
        self.repeated: Callable[[Wire], None] = host.forget
        self.closing: tuple[Callable[[], None], ...] = ()


def of(scope: Any) -> Hosting:
    """What a lifespan's scope has; other servers tell nothing, and readiness ends with the lifespan then."""
    hosting = (scope.get("state") or {}).get(KEY)
    return hosting if isinstance(hosting, Hosting) else Hosting()
