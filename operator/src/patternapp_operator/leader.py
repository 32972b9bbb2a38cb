"""Which of several replicas writes: the one that holds a coordination.k8s.io Lease.

What holds here:

* Other replicas' clocks are never compared with ours: a lease has run out when it stayed unchanged for its duration on
  our own monotonic clock, as client-go does it.
* `leads` turns false by itself, `RENEW` seconds after the last renewal was begun, and what was sent by then has no
  longer than `left` to be answered; both end before anybody else can take over. So no two replicas write at a time
  unless a clock runs at the wrong speed.
* On exit the lease is given back, so that a rollout does not wait; after that it is not taken again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp.cluster import failures
from patternapp.cluster.resources import ApiKind
from patternapp_operator import clock as clocks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from patternapp.cluster.resources import Object
    from patternapp_operator.clock import Clock
    from patternapp_operator.cluster import Cluster

LEASE = ApiKind("coordination.k8s.io/v1", "Lease")
DURATION = 15
"""Seconds that a lease holds without being renewed."""
RENEW = 10.0
"""Seconds after which a leader that could not renew stops writing."""
RELEASE = 5.0
"""Seconds that giving the lease back may take: whoever ends this process does not wait for long."""
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
    _renewed: float = float("-inf")
    _lease: Object | None = None

    def leads(self) -> bool:
        """Whether this replica may write now."""
        return self.clock.monotonic() < self._renewed + RENEW

    def left(self) -> float:
        """Seconds that a write may take from now on; 0 where this replica may not write."""
        return self._renewed + DURATION - self.clock.monotonic() if self.leads() else 0.0

    async def run(self) -> None:
        """Take part until cancelled; a failure to ask or renew is logged and tried again."""
        while True:
            try:
                await asyncio.wait_for(self.attempt(), RENEW - RETRY)
            except (failures.ClusterError, TimeoutError) as error:
                _LOG.warning("the lease could not be taken or renewed: %s", str(error) or "no answer in time")
            await asyncio.sleep(RETRY)

    async def attempt(self) -> None:
        """Take the lease if it is free, renew it if it is ours, otherwise watch it age.

        Raises:
            failures.ClusterError: the server did not say; whoever leads goes on until `leads` turns false.
        """
        began = self.clock.monotonic()
        lease = self._lease if self.leads() else await self.cluster.get(LEASE, self.namespace, self.name)
        try:
            if lease is None and self._vanished():
                return
            if lease is None:
                head = {"apiVersion": LEASE.api_version, "kind": LEASE.kind}
                fresh = head | {"metadata": {"name": self.name}, "spec": self._spec({})}
                self._lease = await self.cluster.create(fresh, self.namespace)
            elif self._takeable(lease):
                spec = self._spec(lease.get("spec") or {})
                self._lease = await self.cluster.replace(lease | {"spec": spec}, self.namespace)
            else:
                self._renewed = float("-inf")
                return
        except (failures.Conflict, failures.Missing):
            # Somebody was first, or deleted it: look again before anything is written.
            self._renewed = float("-inf")
            return
        self._lead(began)

    async def release(self) -> None:
        """Give the lease back if it is ours; from here on nothing may be written. `run` must have ended."""
        self._renewed = float("-inf")
        try:
            # Read anew: whether a renewal that was broken off has happened is not known.
            async with asyncio.timeout(RELEASE):
                lease = await self.cluster.get(LEASE, self.namespace, self.name)
                if lease is not None and (lease.get("spec") or {}).get("holderIdentity") == self.identity:
                    spec = lease["spec"] | {"holderIdentity": "", "leaseDurationSeconds": 1}
                    await self.cluster.replace(lease | {"spec": spec}, self.namespace)
        except (failures.ClusterError, TimeoutError) as error:
            why = str(error) or "no answer in time"
            _LOG.warning("the lease was not given back, others wait until it runs out: %s", why)

    def _vanished(self) -> bool:
        """Whether somebody deleted the lease a moment ago: whoever holds it may not know yet."""
        version, since = self._seen
        return bool(version) and self.clock.monotonic() - since < DURATION

    def _lead(self, since: float) -> None:
        """The lease was renewed at this time."""
        # It may have run out while the answer was awaited: somebody else may have led since.
        anew = not self.leads()
        self._renewed = since
        if anew and self.leads():
            _LOG.info("%s leads", self.identity)
            self.elected()

    def _takeable(self, lease: Mapping[str, Any]) -> bool:
        now, spec = self.clock.monotonic(), lease.get("spec") or {}
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, now)
        holder = spec.get("holderIdentity")
        # Never earlier than our own: a shorter duration may have been written by a replica that goes by another.
        aged = now - self._seen[1] >= max(spec.get("leaseDurationSeconds") or 0, DURATION)
        return not holder or holder == self.identity or aged

    def _spec(self, before: Mapping[str, Any]) -> Object:
        now = clocks.rfc3339_micro(self.clock.now())
        same = before.get("holderIdentity") == self.identity
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": DURATION,
            "acquireTime": before.get("acquireTime", now) if same else now,
            "renewTime": now,
            "leaseTransitions": before.get("leaseTransitions", 0) + (0 if same or not before else 1),
        }
