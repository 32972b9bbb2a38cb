"""Keeps kopf watching all that can be watched, and begins anew when that changes.

What holds here:

* kopf looks for kinds once, when it begins: it needs no right to see definitions or namespaces, and what comes and goes
  is `reach`'s affair.
* A watch that ends because its kind or the right to it went (404, 403) is begun anew, a few times in a row. Any other
  end of a watch ends `run`, and so the process.
* Nothing of one beginning is left when the next one begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import kopf

from patternapp.cluster import failures
from patternapp_operator import handlers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from patternapp_operator.clock import Clock
    from patternapp_operator.handlers import Intake
    from patternapp_operator.reach import Reach
    from patternapp_operator.settings import Settings

_LOG = logging.getLogger(__name__)
_GONE = frozenset({403, 404})
ATTEMPTS = 5
"""Beginnings in a row that may fail; discovery lags behind the definitions by seconds."""
_WATCHER = "watcher for "
"""How kopf names the tasks that watch."""
STOP = 4.0
"""Seconds that tasks have to end."""
STEADY = 60.0
"""Seconds after which a beginning counts as a success."""


@dataclass(slots=True, kw_only=True)
class Watches:
    """The watches of one replica; set `changed` when `reach` may answer differently."""

    intake: Intake
    settings: Settings
    clock: Clock
    reach: Callable[[], Reach]
    discover: Callable[[], Coroutine[None, None, None]]
    began: Callable[[], None]
    """Called whenever kopf has begun: it takes the process's signals for itself."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, ended: asyncio.Event) -> None:
        """Watch until `ended` is set; whatever else ends a watch is raised."""
        failed = 0
        while not ended.is_set():
            began = self.clock.monotonic()
            error = await self._round(ended)
            if error is None:
                continue
            failed = 1 if self.clock.monotonic() - began > STEADY else failed + 1
            if getattr(error, "status", None) not in _GONE or failed > ATTEMPTS:
                raise error
            _LOG.warning("a watch was refused, all begin anew: %s", error)
            await asyncio.sleep(failed)
            with contextlib.suppress(failures.ClusterError):
                await self.discover()

    async def _round(self, ended: asyncio.Event) -> BaseException | None:
        """Watch until something changes; the error if a watch ended by itself."""
        self.changed.clear()
        kinds, stop = self.reach().watched(), asyncio.Event()
        # Left to itself, kopf asks for the user's name, and a container's user may have none. Its type is its own.
        identity: Any = self.settings.identity
        tasks = await kopf.spawn_tasks(
            identity=identity,
            registry=handlers.registry(self.intake, self.settings, kinds),
            settings=handlers.settings(),
            clusterwide=not self.settings.namespaces,
            namespaces=self.settings.namespaces,
            stop_flag=stop,
        )
        self.began()
        told = [asyncio.create_task(event.wait()) for event in (self.changed, ended)]
        try:
            await asyncio.wait({*tasks, *told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Without the flag, kopf takes its end for a failure and kills the process some seconds later.
            stop.set()
            over = [task for task in tasks if task.done()]
            await _cancel([*tasks, *told])
            # kopf's orchestrator ends its watchers when it is cancelled, but not when one of them makes it fail.
            await _cancel([task for task in asyncio.all_tasks() if task.get_name().startswith(_WATCHER)])
        failed = (error for task in over if not task.cancelled() and (error := task.exception()))
        return next(failed, RuntimeError("kopf ended, and says no reason") if over else None)


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    for task in (await asyncio.wait(tasks, timeout=STOP))[0] if tasks else ():
        if not task.cancelled():
            task.exception()  # asked for, so that it is not logged as forgotten
