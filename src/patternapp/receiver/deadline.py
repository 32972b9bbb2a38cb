"""Ends handlers that take too long.

What holds here: a request pays for no timer of its own. All may take equally long, so the one that began first is late
first, and one timer, set for that one, is enough.
"""

from __future__ import annotations

import asyncio
from typing import Any

from patternapp import errors


class TimedOut(errors.PatternAppError):
    """A handler took longer than it may: 504, and the event comes again."""


class Deadline:
    """Around what handles one request: cancels the task that takes too long from `begin` to `end`.

    A task that is cancelled so is told by `passed` until its end, and goes on uncancelled after it.

    Attributes:
        seconds: How long a task may take; None lets it take as long as it takes.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._timed: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Task[Any] | None:
        """From now on the task that calls this is timed; what is returned is for its `end`."""
        if self.seconds is None:
            return None
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is not None:
            until = self._timed[task] = loop.time() + self.seconds
            if self._timer is None:
                self._timer = loop.call_at(until, self._look)
        return task

    def end(self, task: asyncio.Task[Any] | None) -> None:
        """The task is timed no more."""
        if task is not None and self._timed.pop(task, None) is None:
            self._late.discard(task)
            task.uncancel()

    @property
    def passed(self) -> bool:
        """Whether the task that asks was late."""
        return bool(self._late) and asyncio.current_task() in self._late

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        for task, until in list(self._timed.items()):
            if until > now:
                self._timer = loop.call_at(until, self._look)
                return
            del self._timed[task]
            self._late.add(task)
            task.cancel()
