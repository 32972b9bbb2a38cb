"""Brings the objects of one app to what its spec says, and tells in its status how far that went.

What holds here:

* The inventory has an object before the object is made; it leaves the inventory after it is deleted.
* An object that is as it should be costs no request; neither does a status that is as it should be.
* An object that is not ours is never touched. Nothing is pruned unless every apply of this run went well.
* Every way out of a run, save a lost app, leaves a status.
* Apps are compiled beside the event loop, one at a time: the largest that the server takes needs seconds, in which the
  Lease has to be renewed and the kubelet answered.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp.cluster import desired as wanting
from patternapp.cluster import failures, inventory, readiness, resources
from patternapp_operator import apply as applying
from patternapp_operator import clock as clocks
from patternapp_operator import conditions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.cluster.desired import Desired
    from patternapp.cluster.resources import AppKey, Object, Ref
    from patternapp.render.capabilities import Capabilities
    from patternapp_operator.apply import Applier, Outcome
    from patternapp_operator.clock import Clock
    from patternapp_operator.cluster import Cluster
    from patternapp_operator.observed import Apps, Observed
    from patternapp_operator.reach import Reach
    from patternapp_operator.recorder import Recorder

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: seconds until the app should be looked at again if nothing happens; None means not at all.

    `applied` counts the objects that were made or changed.
    """

    again: float | None = None
    failed: bool = False
    applied: int = 0


@dataclass(slots=True)
class _Memo:
    """What an app's spec was compiled to, and from what."""

    basis: tuple[Any, ...]
    desired: Desired


@dataclass(slots=True, kw_only=True)
class Reconciler:
    """Reconciles apps, each by one caller at a time."""

    cluster: Cluster
    apps: Apps
    observed: Observed
    applier: Applier
    recorder: Recorder
    clock: Clock
    base: Capabilities
    reach: Reach = field(init=False)
    _memos: dict[AppKey, _Memo] = field(default_factory=dict)
    _compiling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reconcile(self, key: AppKey) -> Result:
        """One run.

        Raises:
            failures.ClusterError: the server could not be asked or told; come again later.
        """
        try:
            return await self._run(key)
        except failures.Missing:
            # An app that is deleted in the middle of its run is no failure.
            if self.apps.get(key) is not None:
                raise
            return Result()

    async def _run(self, key: AppKey) -> Result:
        known = self.apps.get(key)
        if known is None:
            memo = self._memos.pop(key, None)
            self.applier.forget(one.ref for one in (memo.desired.objects if memo else ()))
            return Result()
        body = known.body()
        if "deletionTimestamp" in body["metadata"]:
            return Result()
        if (body["metadata"].get("annotations") or {}).get(resources.PAUSED) == "true":
            await self._tell(key, body, conditions.paused(self._frame(body)))
            return Result()
        try:
            desired = await self._desired(key, body)
        except errors.SpecError as error:
            await self._tell(key, body, conditions.refused(self._frame(body), error.problems))
            return Result()
        return await self._converge(key, body, desired)

    async def _desired(self, key: AppKey, body: Object) -> Desired:
        metadata = body["metadata"]
        basis = (metadata["uid"], metadata.get("generation"), inventory.policy(body), self.reach)
        memo = self._memos.get(key)
        if memo is None or memo.basis != basis:
            able = self.reach.served.rendering(self.base, key.namespace)
            async with self._compiling:
                desired = await asyncio.to_thread(wanting.desired, body, able)
            memo = self._memos[key] = _Memo(basis, desired)
        return memo.desired

    async def _converge(self, key: AppKey, body: Object, desired: Desired) -> Result:
        entries = inventory.kept(body)
        outcome = applying.begin(self.reach, desired)
        todo = self.applier.unsettled(outcome, desired, entries)
        stale = self._stale(key, body, desired, entries)
        if todo or stale:
            fresh = await self._read(key, body)
            if fresh is None:
                return Result(again=0.0)
            body, entries = fresh, inventory.kept(fresh)
            body, entries = await self._announce(key, body, entries, desired, outcome)
            await self.applier.apply(key, outcome, todo, entries)
            if outcome.whole:
                await self._prune(key, outcome, stale, (inventory.policy(body), entries))
        states = self._states(desired, outcome)
        live = {one.ref: seen for one in desired.objects if (seen := self.observed.get(one.ref)) is not None}
        status = conditions.told(self._frame(body), desired, states, live)
        status["inventory"] = inventory.dumped(self.applier.inventory(desired, entries, outcome))
        await self._tell(key, body, status)
        return Result(again=outcome.again, failed=outcome.failed, applied=len(outcome.done))

    async def _read(self, key: AppKey, body: Object) -> Object | None:
        """The app as it is now; None if it is not the one that was compiled."""
        fresh = await self.cluster.get(resources.APP_KIND, *key)
        if fresh is None:
            self.apps.gone(key)
            return None
        self.apps.note(fresh)
        now, before = fresh["metadata"], body["metadata"]
        same = all(now.get(field) == before.get(field) for field in ("uid", "generation", "annotations"))
        return fresh if same and "deletionTimestamp" not in now else None

    async def _announce(
        self, key: AppKey, body: Object, entries: dict[Ref, inventory.Entry], desired: Desired, outcome: Outcome
    ) -> tuple[Object, dict[Ref, inventory.Entry]]:
        """Put what is about to be made into the inventory."""
        new = {
            one.ref: inventory.Entry(*one.kind, one.ref.name)
            for one in desired.objects
            if one.ref not in entries and one.ref not in outcome.blocked
        }
        if not new:
            return body, entries
        entries = entries | new
        status = dict(body.get("status") or {})
        status["inventory"] = inventory.dumped(entries.values())
        return await self._patch(key, body, status), entries

    def _stale(
        self, key: AppKey, body: Object, desired: Desired, entries: Mapping[Ref, inventory.Entry]
    ) -> dict[Ref, inventory.Entry]:
        """What was made and is not wanted any more, also where the inventory was lost."""
        wanted, uid, policy = {one.ref for one in desired.objects}, body["metadata"]["uid"], inventory.policy(body)
        stale = {ref: entry for ref, entry in entries.items() if ref not in wanted}
        for ref, seen in self.observed.of(key):
            lost = ref not in wanted and ref not in stale and uid in seen.owned
            if lost and not seen.deleting and not policy.keeps(ref.kind):
                stale[ref] = inventory.Entry(seen.api_version, ref.kind, ref.name, seen.uid)
        return stale

    async def _prune(
        self,
        key: AppKey,
        outcome: Outcome,
        stale: Mapping[Ref, inventory.Entry],
        kept: tuple[inventory.Policy, dict[Ref, inventory.Entry]],
    ) -> None:
        policy, entries = kept
        # The reverse of the order of application: whoever sends events goes before whoever takes them.
        order = {kind: place for place, kind in enumerate(resources.KINDS)}
        for ref, entry in sorted(stale.items(), key=lambda item: -order.get(resources.ApiKind(*item[1][:2]), 0)):
            if policy.keeps(ref.kind) or await self.applier.prune(key, outcome, entry):
                entries.pop(ref, None)

    def _states(self, desired: Desired, outcome: Outcome) -> list[conditions.State]:
        states = []
        for one in desired.objects:
            failure, seen = outcome.blocked.get(one.ref), self.observed.get(one.ref)
            told = failure or (seen.readiness if seen is not None else readiness.ABSENT)
            states.append(conditions.State(one.ref, one.aspect, told))
        return states + [conditions.State(ref, "Pruning", told) for ref, told in outcome.left.items()]

    def _frame(self, body: Object) -> conditions.Frame:
        now = clocks.rfc3339(self.clock.now())
        return conditions.Frame(body.get("status") or {}, body["metadata"].get("generation", 0), now)

    async def _tell(self, key: AppKey, body: Object, status: Object) -> None:
        """Write a status that differs, and an event if the app became or ceased to be ready."""
        before = body.get("status") or {}
        if {name: value for name, value in status.items() if value is not None} == before:
            return
        fresh = await self._patch(key, body, status)
        old, new = (conditions.find(one, conditions.READY) for one in (before, status))
        if new is not None and (old is None or (old["status"], old["reason"]) != (new["status"], new["reason"])):
            await self.recorder.record(fresh, new)

    async def _patch(self, key: AppKey, body: Object, status: Object) -> Object:
        uid = body["metadata"]["uid"]
        try:
            fresh = await self.cluster.patch_status(resources.APP_KIND, *key, uid=uid, status=conditions.patch(status))
        except failures.Missing:
            self.apps.gone(key, uid)
            raise
        except failures.Conflict:
            # The app of this uid is gone, or the server gave up after others were first several times.
            now = await self.cluster.get(resources.APP_KIND, *key)
            if now is None or now["metadata"]["uid"] != uid:
                self.apps.gone(key, uid)
            if now is not None:
                self.apps.note(now)
            raise
        self.apps.note(fresh)
        return fresh
