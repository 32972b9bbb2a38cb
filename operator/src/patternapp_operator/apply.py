"""Makes single objects what they should be.

What holds here:

* An object that is known to be right is not sent; `unsettled` says which are not.
* Before an object is made, the server is asked whether somebody else has that name; an object that exists is applied
  with its uid, so that it is that very object or none.
* A failure of one object is kept for the status and holds up no other; what a SinkBinding writes into waits for that.
* One app has at most `AT_ONCE` requests under way, so that an app of hundreds of objects leaves connections to others.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from patternapp.cluster import failures, inventory, resources
from patternapp.cluster import seen as seeing
from patternapp.cluster.readiness import Readiness
from patternapp_operator import logs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from patternapp.cluster.desired import Desired, Wanted
    from patternapp.cluster.inventory import Entry
    from patternapp.cluster.resources import AppKey, Ref
    from patternapp.cluster.seen import Seen
    from patternapp_operator.bindings import Bindings
    from patternapp_operator.breaker import Breaker
    from patternapp_operator.cluster import Cluster
    from patternapp_operator.metrics import Metrics
    from patternapp_operator.observed import Observed
    from patternapp_operator.reach import Reach

_LOG = logging.getLogger(__name__)
RETRY_FOREIGN = 15.0
"""Seconds until an object of somebody else is looked at again: nothing tells when it goes."""
RETRY_RIVAL = 60.0
AT_ONCE = 4


@dataclass(slots=True)
class Outcome:
    """What became of the objects of one run.

    Attributes:
        blocked: The objects that could not be made what they should be, and why.
        done: The entries of the objects that were applied.
        left: The objects that are not wanted any more and could not be deleted, and why.
        failed: Whether something failed that may work later.
        again: Seconds until it is worth another look.
    """

    blocked: dict[Ref, Readiness] = field(default_factory=dict)
    done: dict[Ref, Entry] = field(default_factory=dict)
    left: dict[Ref, Readiness] = field(default_factory=dict)
    failed: bool = False
    again: float | None = None

    @property
    def whole(self) -> bool:
        """Whether everything that could be tried went well: what is out of reach is not tried."""
        return not self.failed and self.again is None

    def block(self, ref: Ref, reason: str, message: str) -> None:
        """An object cannot be what it should be."""
        self.blocked[ref] = Readiness("False", reason, message)


def begin(reach: Reach, desired: Desired) -> Outcome:
    """A run in which the objects of some kinds are out of reach."""
    obstacles = ((one.ref, reach.obstacle(one.kind)) for one in desired.objects)
    return Outcome(blocked={ref: obstacle for ref, obstacle in obstacles if obstacle is not None})


@dataclass(slots=True)
class Applier:
    """Applies and prunes; remembers which objects it found right."""

    cluster: Cluster
    observed: Observed
    breaker: Breaker
    bindings: Bindings
    metrics: Metrics
    _settled: dict[Ref, tuple[str, str]] = field(default_factory=dict)

    def unsettled(self, outcome: Outcome, desired: Desired, entries: Mapping[Ref, Entry]) -> list[Wanted]:
        """The objects that are not known to be right."""
        reachable = (one for one in desired.objects if one.ref not in outcome.blocked)
        return [one for one in reachable if not self._right(one, entries.get(one.ref))]

    def inventory(self, desired: Desired, entries: Mapping[Ref, Entry], outcome: Outcome) -> Iterable[Entry]:
        """The inventory after a run: with the uid and the digest of what is right."""
        result = {**entries, **outcome.done}
        for one in desired.objects:
            live = self.observed.get(one.ref)
            if one.ref in result and live is not None and self._settled.get(one.ref) == (live.uid, _digest(one, live)):
                result[one.ref] = _entry(one, live)
        return result.values()

    def forget(self, refs: Iterable[Ref]) -> None:
        """Nobody wants these objects any more."""
        for ref in refs:
            self.breaker.forget(ref)
            self.bindings.forget(ref)
            self._settled.pop(ref, None)

    def doubt(self) -> None:
        """Somebody else may have written: only what the inventories say is right is right."""
        self._settled.clear()

    async def apply(self, key: AppKey, outcome: Outcome, todo: Sequence[Wanted], entries: Mapping[Ref, Entry]) -> None:
        """Apply objects: one kind after the other, the objects of one kind at the same time."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def attempt(one: Wanted) -> None:
            async with slots:
                await self._attempt(key, outcome, one, entries.get(one.ref))

        for _, wave in itertools.groupby(todo, key=lambda one: one.kind):
            # Wait for all: nothing of a run may be under way after it.
            for ended in await asyncio.gather(*map(attempt, wave), return_exceptions=True):
                if ended is not None:
                    raise ended

    async def prune(self, key: AppKey, outcome: Outcome, entry: Entry) -> bool:
        """Delete an object, if it is still the one that was made; False if that has to be tried again."""
        kind, ref = resources.ApiKind(entry.api_version, entry.kind), entry.ref(key.namespace)
        self.forget([ref])
        try:
            live = await self._look(kind, ref)
            if live is not None and not live.deleting and inventory.ours(key, live, entry):
                await self.cluster.delete(kind, ref.namespace, ref.name, uid=live.uid)
                self.metrics.objects.labels("pruned").inc()
                _LOG.info("pruned %s of %s", ref, key, extra=logs.about(key, item=ref, reason="Pruned"))
        except failures.Rejected as error:
            outcome.failed = True
            outcome.left[ref] = Readiness("False", "NotDeleted", error.message)
        return ref not in outcome.left

    def _right(self, one: Wanted, entry: Entry | None) -> bool:
        live = self.observed.get(one.ref)
        if live is None or live.deleting:
            return False
        state = (live.uid, _digest(one, live))
        if entry is not None and (entry.uid, entry.digest) == state:
            self._settled[one.ref] = state
        return self._settled.get(one.ref) == state

    async def _attempt(self, key: AppKey, outcome: Outcome, one: Wanted, entry: Entry | None) -> None:
        try:
            await self._apply(key, outcome, one, entry)
        except failures.Missing as error:
            outcome.failed = True
            outcome.block(one.ref, "DependencyMissing", f"{one.kind.definition}: {error.message}")
        except failures.Invalid as error:
            # The same request gets the same answer, unless a webhook or another object changes its mind.
            outcome.failed = True
            outcome.block(one.ref, "Rejected", error.message)
        except failures.Conflict as error:
            outcome.failed = True
            self.observed.doubt(one.ref)
            outcome.block(one.ref, "Changed", error.message)
        except failures.Rejected as error:
            outcome.failed = True
            outcome.again = max(outcome.again or 0.0, error.wait)
            outcome.block(one.ref, type(error).__name__, error.message)

    async def _apply(self, key: AppKey, outcome: Outcome, one: Wanted, entry: Entry | None) -> None:
        live = self.observed.get(one.ref)
        if live is None and (wait := self.bindings.wait(one.binding)):
            outcome.again = max(outcome.again or 0.0, wait)
            outcome.blocked[one.ref] = Readiness("Unknown", "BindingPending", f"it is made once {one.binding} is ready")
            return
        live = live or await self._look(one.kind, one.ref)
        if live is not None and live.deleting:
            outcome.failed = True
            outcome.block(one.ref, "Terminating", "an earlier object of this name is being deleted; it is made after")
            return
        if live is not None and not inventory.ours(key, live, entry):
            outcome.again = RETRY_FOREIGN
            outcome.block(one.ref, "Conflict", inventory.taken(live))
            return
        restored = self._settled.get(one.ref, ("", ""))[1].startswith(one.digest)
        if restored and not self.breaker.allow(one.ref):
            outcome.again = RETRY_RIVAL
            rival = f"field manager {live.rival!r}" if live is not None and live.rival else "somebody"
            message = f"{rival} keeps changing or deleting it; corrections are suspended, make the two agree"
            outcome.block(one.ref, "Contended", message)
            return
        await self._send(key, outcome, one, live)
        self.metrics.objects.labels("restored" if restored else "applied").inc()
        if restored:
            _LOG.info("restored %s of %s", one.ref, key, extra=logs.about(key, item=one.ref, reason="Restored"))

    async def _send(self, key: AppKey, outcome: Outcome, one: Wanted, live: Seen | None) -> None:
        body = one.body()
        if live is not None:
            body["metadata"]["uid"] = live.uid
        answer = await self.cluster.apply(body, key.namespace)
        self.observed.note(one.ref, answer)
        now = seeing.seen(answer)
        self._settled[one.ref] = (now.uid, _digest(one, now))
        outcome.done[one.ref] = _entry(one, now)

    async def _look(self, kind: resources.ApiKind, ref: Ref) -> Seen | None:
        """An object as it is now."""
        body = await self.cluster.get(kind, ref.namespace, ref.name)
        return None if body is None else seeing.seen(body)


def _digest(one: Wanted, live: Seen) -> str:
    return f"{one.digest}-{live.fields}"


def _entry(one: Wanted, live: Seen) -> Entry:
    return inventory.Entry(*one.kind, one.ref.name, live.uid, _digest(one, live))
