"""Hands keys of the queue to the reconciler, a few at a time, while this replica leads."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from patternapp.cluster import failures
from patternapp_operator import logs
from patternapp_operator.workqueue import Priority

if TYPE_CHECKING:
    from collections.abc import Callable

    from patternapp.cluster.resources import AppKey
    from patternapp_operator.clock import Clock
    from patternapp_operator.metrics import Metrics
    from patternapp_operator.reconcile import Reconciler
    from patternapp_operator.tracing import Span, Tracing
    from patternapp_operator.workqueue import WorkQueue

_LOG = logging.getLogger(__name__)
LOOK = 1.0
"""Seconds after which it is looked again whether this replica leads."""


@dataclass(slots=True, kw_only=True)
class Workers:
    """Reconciles what is due."""

    queue: WorkQueue[AppKey]
    wake: asyncio.Event
    reconciler: Reconciler
    may_work: Callable[[], bool]
    clock: Clock
    metrics: Metrics
    tracing: Tracing
    count: int
    _stopping: bool = field(default=False)

    async def run(self) -> None:
        """Work until `stop`; then end what was begun, and return."""
        slots = asyncio.Semaphore(self.count)
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                await slots.acquire()
                key = await self._next()
                if key is not None:
                    task = group.create_task(self._work(key))
                    task.add_done_callback(lambda _: slots.release())

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping = True
        self.wake.set()

    async def _next(self) -> AppKey | None:
        """The next key; None when nothing more is to be begun."""
        while not self._stopping:
            self.wake.clear()
            key = self.queue.take() if self.may_work() else None
            if key is not None:
                return key
            due = self.queue.next_due() if self.may_work() else None
            try:
                await asyncio.wait_for(self.wake.wait(), LOOK if due is None else min(due, LOOK))
            except TimeoutError:
                continue
        return None

    async def _work(self, key: AppKey) -> None:
        began = self.clock.monotonic()
        try:
            with self.tracing.run(key) as span:
                result = await self._reconcile(key, span)
                span.set_attribute("patternapp.result", result)
        finally:
            self.queue.done(key)
        self.metrics.reconciles.labels(result).inc()
        self.metrics.reconcile_seconds.observe(self.clock.monotonic() - began)

    async def _reconcile(self, key: AppKey, span: Span) -> str:
        """One run; how it ended, in the words of the metrics."""
        try:
            told = await self.reconciler.reconcile(key)
        except failures.Fenced:
            self.queue.add(key, Priority.RESYNC)
            return "fenced"
        except failures.Rejected as error:
            again, about = self.queue.retry(key, at_least=error.wait), logs.about(key, reason=type(error).__name__)
            _LOG.warning("%s: %s; again in %.1f s", key, error, again, extra=about)
            return "failed"
        except Exception:  # noqa: BLE001 - one app that shows a bug of ours must not stop the others
            _LOG.exception("%s: again in %.1f s", key, self.queue.retry(key), extra=logs.about(key, reason="Bug"))
            return "bug"
        span.set_attribute("patternapp.objects.applied", told.applied)
        if told.failed:
            self.queue.retry(key, at_least=told.again or 0.0)
            return "failed"
        self.queue.forget(key)
        if told.again is not None:
            self.queue.add(key, Priority.RESYNC, delay=told.again)
        return "ok"
