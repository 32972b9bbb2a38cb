"""Which of several replicas writes: the one that holds a coordination.k8s.io Lease.

What holds here:

* Other replicas' clocks are never compared with ours: a lease has run out when it stayed unchanged for its duration on
  our own monotonic clock, as client-go does it.
* `leads` turns false by itself, `RENEW` seconds after the last renewal was begun, and that is before anybody else can
  take over; so there is no moment with two leaders unless a clock runs at the wrong speed.
* On exit the lease is given back, so that a rollout does not wait.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patternapp_operator import clock as clocks
from patternapp_operator import failures
from patternapp_operator.resources import ApiKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from patternapp_operator.clock import Clock
    from patternapp_operator.cluster import Cluster
    from patternapp_operator.resources import Object

LEASE = ApiKind("coordination.k8s.io/v1", "Lease")
DURATION = 15
"""Seconds that a lease holds without being renewed."""
RENEW = 10.0
"""Seconds after which a leader that could not renew stops writing."""
RETRY = 2.0
"""Seconds between attempts to take or renew."""
_LOG = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Leader:
    """One replica's part in the election."""

    cluster: Cluster
    clock: Clock
    namespace: str
    name: str
    identity: str
    elected: Callable[[], None] = lambda: None
    _seen: tuple[str, float] = ("", 0.0)
    _renewed: float = field(default=float("-inf"))
    _lease: Object | None = None

    def leads(self) -> bool:
        """Whether this replica may write now."""
        return self.clock.monotonic() < self._renewed + RENEW

    async def run(self) -> None:
        """Take part until cancelled; a failure to ask or renew is logged and tried again."""
        while True:
            before = self.leads()
            try:
                await asyncio.wait_for(self.attempt(), RENEW - RETRY)
            except (failures.ClusterError, TimeoutError) as error:
                _LOG.warning("the lease could not be taken or renewed: %s", error or "no answer in time")
            if self.leads() and not before:
                _LOG.info("%s leads", self.identity)
                self.elected()
            await asyncio.sleep(RETRY)

    async def attempt(self) -> None:
        """Take the lease if it is free, renew it if it is ours, otherwise watch it age."""
        began = self.clock.monotonic()
        lease = self._lease if self.leads() else await self.cluster.get(LEASE, self.namespace, self.name)
        try:
            if lease is None:
                head = {"apiVersion": LEASE.api_version, "kind": LEASE.kind}
                fresh = head | {"metadata": {"name": self.name}, "spec": self._spec({})}
                self._lease = await self.cluster.create(fresh, self.namespace)
            elif self._takeable(lease):
                self._lease = await self.cluster.replace(lease | {"spec": self._spec(lease["spec"])}, self.namespace)
            else:
                self._renewed = float("-inf")
                return
        except failures.Conflict:
            # Somebody was first: look again before anything is written.
            self._renewed = float("-inf")
            return
        self._renewed = began

    async def release(self) -> None:
        """Give the lease back if it is ours; from here on nothing may be written."""
        held, self._renewed = self.leads(), float("-inf")
        if not held or self._lease is None:
            return
        spec = self._lease["spec"] | {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self.cluster.replace(self._lease | {"spec": spec}, self.namespace)
        except failures.ClusterError as error:
            _LOG.warning("the lease was not given back, others wait until it runs out: %s", error)

    def _takeable(self, lease: Mapping[str, Any]) -> bool:
        now, spec = self.clock.monotonic(), lease["spec"]
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, now)
        holder = spec.get("holderIdentity")
        aged = now - self._seen[1] >= spec.get("leaseDurationSeconds", DURATION)
        return not holder or holder == self.identity or aged

    def _spec(self, before: Mapping[str, Any]) -> Object:
        now = clocks.rfc3339_micro(self.clock.now())
        same = before.get("holderIdentity") == self.identity
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": DURATION,
            "acquireTime": before["acquireTime"] if same else now,
            "renewTime": now,
            "leaseTransitions": before.get("leaseTransitions", 0) + (0 if same or not before else 1),
        }
