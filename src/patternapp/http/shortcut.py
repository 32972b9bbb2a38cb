"""What a server can do beside ASGI: hand over a whole body, and take a whole answer, in one call each.

What holds here: only where `receive` and `send` are the server's own methods, with no middleware in between that
should have seen the messages. No server is imported for it: an application is also imported where none runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Shortcut:
    """The server's side of one request."""

    def body_at_once(self) -> bytes | None:
        """What is left of the body, received; None where it has not all come, or `receive` has another thing to say."""
        raise NotImplementedError

    def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send an answer in one write. False, and nothing done, where `send` has more to look after.

        Args:
            status: Its code.
            headers: With lower-case names; ``content-length`` is among them, but for a 204.
            body: Its bytes, as many as were said.
        """
        raise NotImplementedError


def of(method: Any) -> Shortcut | None:
    """That of the server whose `receive` or `send` this is; None where it is somebody else's."""
    owner = getattr(method, "__self__", None)
    return owner if isinstance(owner, Shortcut) else None
