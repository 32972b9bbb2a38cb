"""Calls later, one of each name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timers:
    """Times are the event loop's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def call_at(self, name: str, when: float, call: Callable[[], None]) -> None:
        """Call once at that time, unless the call of this name is earlier already."""
        known = self._handles.get(name)
        if known is not None:
            if known.when() <= when:
                return
            known.cancel()

        def ring() -> None:
            del self._handles[name]
            call()

        self._handles[name] = self._loop.call_at(when, ring)

    def cancel(self) -> None:
        """Call nothing any more."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()
