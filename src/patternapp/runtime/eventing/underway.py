"""Tasks that are under way beside a loop: counted, drained at the end, and never failing silently."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from patternapp.runtime.bells import Bell


class UnderWay:
    """The tasks of one loop. Each end rings the loop's bell; an unexpected error is raised in the loop itself.

    Args:
        bell: What the loop waits on.
    """

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin a task."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._error = task.exception()
        self._bell.ring()

    def check(self) -> None:
        """Raise the error of a task that failed; whatever it is, it is a bug."""
        if self._error is not None:
            raise self._error

    async def drain(self, *, within: float) -> None:
        """Let the tasks finish within so many seconds, then cancel what is left; raises as `check` does."""
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=within)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self.check()
