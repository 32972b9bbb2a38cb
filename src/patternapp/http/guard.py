"""All connections of one server: how many there may be, and which have waited too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.http.protocol import GuardedProtocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from patternapp.http.host import Host
    from patternapp.http.limits import Limits

_POLITE = 64
"""Connections over the limit that are told so; those beyond are only closed."""


class Guard:
    """What the connections of a server have in common.

    Attributes:
        limits: What each may take.
        host: The server.
        now: The loop's time, kept up by `look`: no request needs it finer than that.
        connections: All of the server's; websockets are among them, and answer for themselves.
    """

    def __init__(self, limits: Limits, host: Host) -> None:
        self.limits = limits
        self.host = host
        self.now = 0.0
        self.connections: Collection[object] = ()

    def admit(self, new: GuardedProtocol) -> bool:
        """Whether there is room for a connection; the resting one that is nearest its end gives way to it."""
        excess = len(self.connections) - self.limits.connections
        if excess <= 0:
            return True
        if excess > _POLITE:
            new.give_way()
            return True
        resting = [one for one in self._guarded() if one is not new and one.resting]
        if not resting:
            return False
        min(resting, key=lambda one: one.deadline).give_way()
        return True

    def look(self, now: float) -> None:
        """End the connections that have waited too long at this time of the loop."""
        self.now = now
        for connection in self._guarded():
            connection.look(now)

    def _guarded(self) -> list[GuardedProtocol]:
        return [one for one in self.connections if isinstance(one, GuardedProtocol)]
