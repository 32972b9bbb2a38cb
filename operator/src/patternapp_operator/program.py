"""One replica of the operator, put together: watches, queue, workers, election, audits, health.

What holds here: on SIGTERM nothing new is begun, what was begun ends, the lease is given back, and then the watches
end. If the watches or another part end by themselves, so does the process.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from typing import TYPE_CHECKING

import kopf
from kubernetes.aio import client

from patternapp.render import capabilities as rendering
from patternapp_operator import (
    apply,
    audit,
    breaker,
    capabilities,
    clock,
    cluster,
    connection,
    failures,
    handlers,
    health,
    leader,
    metrics,
    observed,
    reconcile,
    recorder,
    resources,
    workers,
    workqueue,
)

if TYPE_CHECKING:
    from patternapp_operator.resources import AppKey
    from patternapp_operator.settings import Settings

_LOG = logging.getLogger(__name__)
SETTLE = 5.0
"""Seconds that a watch may take to begin."""
DRAIN = 15.0
"""Seconds that work which was begun may take to end."""


class Replica:
    """The parts of one replica, wired; set `stopped` to end it."""

    def __init__(self, settings: Settings, api: client.ApiClient) -> None:
        self.settings, self.api = settings, api
        self.served, self.synced, self.stopped = capabilities.Served(), False, asyncio.Event()
        self.audit_due = float("-inf")
        self.wake = asyncio.Event()
        self.clock = clock.SystemClock()
        self.metrics = metrics.Metrics()
        self.apps, self.observed = observed.Apps(), observed.Observed()
        self.queue: workqueue.WorkQueue[AppKey] = workqueue.WorkQueue(self.clock, wake=self.wake.set)
        self.leader = leader.Leader(
            cluster=cluster.Cluster(self.api, self.metrics),
            clock=self.clock,
            namespace=self.settings.namespace,
            name=self.settings.lease,
            identity=self.settings.identity,
            elected=self.resync,
        )
        self.cluster = cluster.Cluster(self.api, self.metrics, fence=self.leader.leads)
        self.reconciler = self._reconciler()
        self.workers = workers.Workers(
            queue=self.queue,
            wake=self.wake,
            reconciler=self.reconciler,
            may_work=self.working,
            clock=self.clock,
            metrics=self.metrics,
            count=self.settings.workers,
        )
        self.audit = audit.Audit(
            cluster=self.cluster, apps=self.apps, observed=self.observed, queue=self.queue, metrics=self.metrics
        )
        self.health = health.Health(
            clock=self.clock,
            metrics=self.metrics,
            oldest=lambda: self.queue.oldest() if self.working() else 0.0,
            synced=lambda: self.synced,
        )
        self._gauges()

    def working(self) -> bool:
        """Whether this replica reconciles: it leads, and it knows what there is."""
        return self.synced and self.leader.leads()

    def resync(self, spread: float = 0.0) -> None:
        """Look at every app again, within so many seconds."""
        for key in self.apps:
            self.queue.add(key, workqueue.Priority.RESYNC, delay=random.uniform(0, spread))  # noqa: S311 - spread
        self.wake.set()

    async def run(self) -> None:
        """Run until `stopped` is set or the watches end."""
        runner, port = await self.health.serve(self.settings.host, self.settings.port)
        _LOG.info("%s answers on port %d", self.settings.identity, port)
        await self.discover()
        loops = [asyncio.create_task(loop) for loop in (self.leader.run(), self.health.beat(), self._look_around())]
        ended = asyncio.Event()
        work = asyncio.create_task(self.workers.run())
        stopped = asyncio.create_task(self.stopped.wait())
        watches = asyncio.create_task(self._watch(ended))
        try:
            await asyncio.wait([watches, stopped, work, *loops], return_when=asyncio.FIRST_COMPLETED)
            await self._drain(work)
            await self.leader.release()
        finally:
            for task in (stopped, *loops):
                task.cancel()
            ended.set()
            await asyncio.gather(stopped, *loops, return_exceptions=True)
            await runner.cleanup()
        await watches
        for loop in loops:
            if not loop.cancelled():
                loop.result()

    def obey(self) -> None:
        """End in order when the process is asked to."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopped.set)

    async def discover(self) -> None:
        """Ask the server what it serves; where that changed, every app is looked at again."""
        now = capabilities.served(await self.cluster.discover())
        if now != self.served:
            _LOG.info("the server serves %d of %d kinds", len(now.kinds), len(resources.KINDS))
            self.served = self.reconciler.served = now
            self.doubt()
            self.resync()

    def doubt(self) -> None:
        """Compare soon with what there is: what was deleted before a watch began, or in a gap of it, is never told."""
        self.audit_due = min(self.audit_due, self.clock.monotonic() + SETTLE)

    async def _look_around(self) -> None:
        """List everything and compare, and ask what the server serves, again and again."""
        resynced = float("-inf")
        while True:
            now = self.clock.monotonic()
            try:
                await self.discover()
                if now >= self.audit_due:
                    self.audit_due = now + (self.settings.resync if self.synced else SETTLE)
                    self.synced = await self.audit.run(self.served) or self.synced
                if now >= resynced + self.settings.resync:
                    resynced = now
                    self.resync(self.settings.resync / 10)
            except failures.ClusterError as error:
                _LOG.warning("the server could not be asked what it serves: %s", error)
            await asyncio.sleep(self.settings.discovery * random.uniform(0.9, 1.1))  # noqa: S311 - spread

    async def _watch(self, ended: asyncio.Event) -> None:
        intake = handlers.Intake(
            apps=self.apps,
            observed=self.observed,
            queue=self.queue,
            served=lambda: self.served,
            relisted=self.doubt,
        )
        registry, others = handlers.registry(intake, self.settings), asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=registry, settings=handlers.settings(), clusterwide=True, stop_flag=ended
        )
        # kopf has just taken the signals for itself, and would end the watches before the work.
        self.obey()
        await kopf.run_tasks(tasks, ignored=others)

    async def _drain(self, work: asyncio.Task[None]) -> None:
        self.workers.stop()
        try:
            await asyncio.wait_for(work, DRAIN)
        except TimeoutError:
            _LOG.warning("work did not end within %.0f s and was left to the next leader", DRAIN)

    def _reconciler(self) -> reconcile.Reconciler:
        base = rendering.Capabilities(
            services_image=self.settings.services_image, cluster_domain=self.settings.cluster_domain
        )
        applier = apply.Applier(self.cluster, self.observed, breaker.Breaker(self.clock), self.metrics)
        return reconcile.Reconciler(
            cluster=self.cluster,
            apps=self.apps,
            observed=self.observed,
            applier=applier,
            recorder=recorder.Recorder(self.cluster, self.clock, self.settings.identity),
            clock=self.clock,
            base=base,
        )

    def _gauges(self) -> None:
        gauges = {
            "patternapp_queue_waiting": lambda: len(self.queue),
            "patternapp_queue_active": lambda: self.queue.active,
            "patternapp_queue_oldest_seconds": self.queue.oldest,
            "patternapp_loop_lag_seconds": self.health.lag,
            "patternapp_apps": lambda: len(self.apps),
            "patternapp_objects": lambda: len(self.observed),
            "patternapp_leader": lambda: int(self.leader.leads()),
        }
        for name, read in gauges.items():
            self.metrics.gauge(name, read)


async def run(settings: Settings) -> None:
    """Run one replica until SIGTERM or SIGINT.

    Raises:
        failures.ClusterError: the server did not answer at the start.
        errors.EnvironmentProblem: the server is too old.
    """
    configuration = await connection.configuration(settings)
    async with client.ApiClient(configuration) as api:
        replica = Replica(settings, api)
        replica.obey()
        await replica.run()
