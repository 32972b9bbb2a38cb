"""One replica of the operator, put together: watches, queue, workers, election, audits, health.

What holds here: on SIGTERM nothing new is begun, what was begun ends, the lease is given back, and then the watches
end. If the watches or another part end by themselves, so does the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
from typing import TYPE_CHECKING

from kubernetes.aio import client

from patternapp.cluster import failures, resources
from patternapp_operator import (
    apply,
    audit,
    bindings,
    breaker,
    clock,
    cluster,
    connection,
    handlers,
    health,
    hearing,
    leader,
    metrics,
    observed,
    reconcile,
    recorder,
    workers,
    workqueue,
)
from patternapp_operator import reach as reaching
from patternapp_operator import watches as watching

if TYPE_CHECKING:
    from collections.abc import Collection

    from patternapp.cluster.resources import ApiKind, AppKey
    from patternapp_operator.settings import Settings
    from patternapp_operator.tracing import Tracing

_LOG = logging.getLogger(__name__)
SETTLE = 5.0
"""Seconds that a watch may take to begin."""
AUDIT_RETRY = 60.0
"""Seconds until what could not be listed is listed again."""
LAST = 10.0
"""Seconds that all else has to end in once the lease is given back."""
DRAIN = 15.0
"""Seconds that work which was begun may take to end."""


class Replica:
    """The parts of one replica, wired; set `stopped` to end it."""

    def __init__(self, settings: Settings, api: client.ApiClient, tracing: Tracing) -> None:
        self.settings, self.api = settings, api
        self.reach, self.synced, self.stopped = reaching.Reach(), False, asyncio.Event()
        self.audit_due = float("-inf")
        self.wake = asyncio.Event()
        self.clock = clock.SystemClock()
        self.metrics = metrics.Metrics()
        self.apps, self.observed = observed.Apps(), observed.Observed()
        self.hearing = hearing.Hearing(self.clock)
        self.queue: workqueue.WorkQueue[AppKey] = workqueue.WorkQueue(
            self.clock, wake=self.wake.set, tenant=lambda key: key.namespace
        )
        # Electing and asking are for every replica, writing is for the leader.
        self.unfenced = cluster.Cluster(self.api, self.metrics)
        self.leader = leader.Leader(
            cluster=self.unfenced,
            clock=self.clock,
            namespace=self.settings.namespace,
            name=self.settings.lease,
            identity=self.settings.identity,
            elected=self.begin,
        )
        self.cluster = cluster.Cluster(self.api, self.metrics, left=self.leader.left, tracing=tracing)
        self.reconciler = self._reconciler()
        self.workers = workers.Workers(
            queue=self.queue,
            wake=self.wake,
            reconciler=self.reconciler,
            may_work=self.working,
            clock=self.clock,
            metrics=self.metrics,
            tracing=tracing,
            count=self.settings.workers,
        )
        self.audit = audit.Audit(
            cluster=self.cluster,
            apps=self.apps,
            observed=self.observed,
            queue=self.queue,
            metrics=self.metrics,
            hearing=self.hearing,
            namespaces=self.settings.namespaces,
        )
        self.watches = self._watches()
        self.health = health.Health(
            clock=self.clock,
            metrics=self.metrics,
            oldest=lambda: self.queue.oldest() if self.working() else 0.0,
            deaf=self.hearing.deaf,
            synced=lambda: self.synced,
        )
        self._gauges()

    def working(self) -> bool:
        """Whether this replica reconciles: it leads, and it knows what there is."""
        return self.synced and self.leader.leads()

    def begin(self) -> None:
        """Look at every app as if for the first time: this replica has just been elected."""
        # What waited here before was for whoever led then; as overdue work it would make this process look hung.
        self.queue.clear()
        self.reconciler.applier.doubt()
        self.resync()

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
        election = asyncio.create_task(self.leader.run())
        loops = [election, asyncio.create_task(self.health.beat()), asyncio.create_task(self._look_around())]
        ended = asyncio.Event()
        work = asyncio.create_task(self.workers.run())
        stopped = asyncio.create_task(self.stopped.wait())
        watches = asyncio.create_task(self.watches.run(ended))
        try:
            await asyncio.wait([watches, stopped, work, *loops], return_when=asyncio.FIRST_COMPLETED)
            await self._drain(work)
            election.cancel()
            await asyncio.wait([election])
            await self.leader.release()
        finally:
            # Whatever swallows its end must not keep this process: it does nothing any more.
            asyncio.get_running_loop().call_later(LAST, os._exit, 1)
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
        """Ask the server how far this operator reaches; where that changed, every app is looked at again."""
        now = await reaching.found(self.unfenced, self.settings.namespaces)
        if now != self.reach:
            now.log()
            self.reach = self.reconciler.reach = now
            self.watches.changed.set()
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
                    self.audit_due = float("inf")
                    missed = await self.audit.run(self.reach)
                    # Objects that could not be listed are asked for one by one: they hold up no app but their own.
                    self.synced = self.synced or resources.APP_KIND not in missed
                    self.audit_due = min(self.audit_due, now + self._until_audit(missed))
                if now >= resynced + self.settings.resync:
                    resynced = now
                    self.resync(self.settings.resync / 10)
            except failures.ClusterError as error:
                _LOG.warning("the server could not be asked what it serves: %s", error)
            await asyncio.sleep(self.settings.discovery * random.uniform(0.9, 1.1))  # noqa: S311 - spread

    def _until_audit(self, missed: Collection[ApiKind]) -> float:
        """Seconds from one audit to the next."""
        if not self.synced:
            return SETTLE
        return min(self.settings.resync, AUDIT_RETRY) if missed else self.settings.resync

    def _watches(self) -> watching.Watches:
        intake = handlers.Intake(
            apps=self.apps,
            observed=self.observed,
            queue=self.queue,
            hearing=self.hearing,
            reach=lambda: self.reach,
            relisted=self.doubt,
        )
        return watching.Watches(
            intake=intake,
            settings=self.settings,
            clock=self.clock,
            reach=lambda: self.reach,
            discover=self.discover,
            # kopf has just taken the signals for itself, and would end the watches before the work.
            began=self.obey,
        )

    async def _drain(self, work: asyncio.Task[None]) -> None:
        self.workers.stop()
        try:
            await asyncio.wait_for(work, DRAIN)
        except TimeoutError:
            _LOG.warning("work did not end within %.0f s and was left to the next leader", DRAIN)

    def _reconciler(self) -> reconcile.Reconciler:
        applier = apply.Applier(
            cluster=self.cluster,
            observed=self.observed,
            breaker=breaker.Breaker(self.clock),
            bindings=bindings.Bindings(
                observed=self.observed, clock=self.clock, patience=self.settings.binding_patience
            ),
            metrics=self.metrics,
        )
        return reconcile.Reconciler(
            cluster=self.cluster,
            apps=self.apps,
            observed=self.observed,
            applier=applier,
            recorder=recorder.Recorder(self.cluster, self.clock, self.settings.identity),
            clock=self.clock,
            base=self.settings.rendering(),
        )

    def _gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("workqueue_depth", "Apps that wait to be reconciled.", read=self.queue.__len__, name="patternapp")
        gauge("patternapp_queue_active", "Apps that are being reconciled.", read=lambda: self.queue.active)
        gauge("patternapp_queue_oldest_seconds", "How long the oldest is overdue.", read=self.queue.oldest)
        gauge("patternapp_loop_lag_seconds", "How late the event loop woke last.", read=self.health.lag)
        gauge("patternapp_apps", "Apps that are known.", read=self.apps.__len__)
        gauge("patternapp_known_objects", "Objects that are known.", read=self.observed.__len__)
        leads = "1 while this replica leads, otherwise 0."
        gauge("leader_election_master_status", leads, read=self.leader.leads, name=self.settings.lease)


async def run(settings: Settings, tracing: Tracing) -> None:
    """Run one replica until SIGTERM or SIGINT.

    Raises:
        failures.ClusterError: the server did not answer at the start.
        errors.EnvironmentProblem: the server is too old.
    """
    configuration = await connection.configuration(settings)
    async with client.ApiClient(configuration) as api:
        replica = Replica(settings, api, tracing)
        replica.obey()
        await replica.run()
