"""How an app on a cluster is: the operator's word for the whole, and each object's own controller's for the object.

What holds here:

* What the operator says counts only for the generation it is about; where that is not the last, it is said so.
* The clock of whoever renews the operator's Lease is another one, so a Lease is old only after `PATIENCE` on top.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from patternapp import errors
from patternapp.cluster import capabilities, desired, failures, inventory, readiness, resources
from patternapp.cluster import seen as seeing
from patternapp.cluster import survey as surveys
from patternapp.cluster.readiness import Readiness
from patternapp.plan import compile as compiler
from patternapp.plan import model
from patternapp.render import names
from patternapp.spec import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from patternapp.cluster.client import Client
    from patternapp.cluster.resources import ApiKind, AppKey, Object, Ref
    from patternapp.cluster.survey import Survey
    from patternapp.plan.model import Plan
    from patternapp.render.capabilities import Capabilities

STALE = Readiness("Unknown", "NotObserved", "the operator has not seen the last change yet")
READY = "Ready"
NO_STATUS = "NoStatus"
LEFT = "NotWanted"
"""The pattern of objects that the app made and does not want any more."""
LEASE = resources.ApiKind("coordination.k8s.io/v1", "Lease")
PATIENCE = 60.0
"""Seconds that two machines' clocks may differ."""
MEND = "install it with: helm install patternapp charts/patternapp --namespace patternapp-system --create-namespace"


class LeaseName(NamedTuple):
    """Where the operator's Lease is."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ObjectState:
    """One object of an app; `url` is its address where it has one."""

    kind: ApiKind
    ref: Ref
    readiness: Readiness
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The objects of one pattern, or of what patterns share."""

    pattern: str
    objects: tuple[ObjectState, ...]

    @property
    def readiness(self) -> Readiness:
        return worst([one.readiness for one in self.objects])


@dataclass(frozen=True, slots=True, kw_only=True)
class AppState:
    """One app.

    Attributes:
        said: What the operator says; Unknown where it has said nothing yet.
        current: Whether that is about the app as it is now.
        functions: Each function with whether it can be called and its address.
        dead_letters: Where dead letters go, in words.
        notes: What a reader must know besides, each with its mend.
        parts: The objects by pattern, in the order of application.
        plan: The plan of the app, None where it cannot be compiled.
    """

    key: AppKey
    said: Readiness
    current: bool
    created: str
    url: str | None
    functions: tuple[tuple[str, bool, str | None], ...]
    dead_letters: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    plan: Plan | None = None

    @property
    def ready(self) -> Readiness:
        """Whether the app as it is now works: what the operator says of an earlier one does not count."""
        return self.said if self.current or self.said.reason == NO_STATUS else STALE

    def objects(self) -> Iterator[ObjectState]:
        """Every object."""
        for part in self.parts:
            yield from part.objects


def worst(all_: Iterable[Readiness]) -> Readiness:
    """The first that fails, or else the first of which it is not known, or else that all is well."""
    listed = list(all_)
    for status in ("False", "Unknown"):
        for one in listed:
            if one.status == status:
                return one
    return Readiness("True", READY)


def brief(app: Mapping[str, Any]) -> AppState:
    """An app by what its own status says."""
    metadata, status = app["metadata"], app.get("status") or {}
    condition = next((one for one in status.get("conditions") or () if one["type"] == READY), None)
    deleting = "deletionTimestamp" in metadata
    if deleting:
        said = Readiness("False", "Deleting", "it is being deleted")
    elif condition is None:
        said = Readiness("Unknown", NO_STATUS, "the operator has said nothing about it yet")
    else:
        said = Readiness(condition["status"], condition["reason"], condition.get("message", ""))
    return AppState(
        key=resources.AppKey(metadata["namespace"], metadata["name"]),
        said=said,
        current=deleting or status.get("observedGeneration") == metadata.get("generation"),
        created=metadata["creationTimestamp"],
        url=status.get("url"),
        functions=tuple(
            (one["name"], one.get("ready", False), one.get("url")) for one in status.get("functions") or ()
        ),
    )


async def find(client: Client, name: str, base: Capabilities, *, lease: LeaseName, now: dt.datetime) -> AppState:
    """The app of this name with all its objects; as `state`.

    Raises:
        errors.PatternAppError: there is none.
        errors.EnvironmentProblem: the cluster knows no PatternApps.
    """
    there = await surveys.survey(client, resources.AppKey(client.namespace, name))
    if not there.installed:
        raise unknown()
    if there.app is None:
        where = client.namespace
        raise errors.PatternAppError(
            f"there is no PatternApp {name} in the namespace {where}; see: patternapp status -n {where}"
        )
    return await state(there, there.app, base, lease=lease, now=now)


async def every(client: Client) -> list[AppState]:
    """The apps of the user's namespace, by name, each by its own status alone.

    Raises:
        errors.EnvironmentProblem: the cluster knows no PatternApps.
    """
    try:
        return [brief(app) for app in await client.listed(resources.APP_KIND, client.namespace)]
    except failures.Missing as error:
        raise unknown() from error


def unknown() -> errors.EnvironmentProblem:
    """The cluster knows no PatternApps."""
    return errors.EnvironmentProblem(
        f"the cluster has no {resources.APP_KIND.definition}; install the operator, or name another with --context"
    )


async def state(there: Survey, app: Object, base: Capabilities, *, lease: LeaseName, now: dt.datetime) -> AppState:
    """An app with all its objects.

    Args:
        there: What the cluster has of it.
        app: The PatternApp.
        base: What the cluster can do, as far as it does not tell itself.
        lease: The Lease of the operator that is responsible.
        now: The instant, in UTC.
    """
    known = brief(app)
    try:
        plan = compiler.compile_app(load.from_object(app))
        wanted = desired.desired(app, there.served.rendering(base, there.key.namespace)).objects
    except errors.SpecError:
        # The operator's own word says what is wrong with it; what was made of an earlier spec is still there.
        plan, wanted = None, ()
    objects = [(one.aspect, await _object(there, one.kind, one.ref)) for one in wanted]
    objects += [(LEFT, one) async for one in _left(there, app, {one.ref for one in wanted})]
    running = await operator(there, lease, now)
    return AppState(
        key=known.key,
        said=known.said,
        current=known.current,
        created=known.created,
        url=known.url,
        functions=known.functions,
        dead_letters=dead_letters(plan) if plan is not None else (),
        notes=tuple(_notes(app, known, running)),
        parts=_parts(objects),
        plan=plan,
    )


async def operator(there: Survey, lease: LeaseName, now: dt.datetime) -> str | None:
    """Why no operator seems to run; None where one does, or where one may not look."""
    try:
        found = await there.client.get(LEASE, *lease)
    except failures.Forbidden:
        return None
    if found is None:
        return f"no operator seems to run: there is no Lease {lease}"
    spec = found["spec"]
    if not spec.get("holderIdentity"):
        return f"no operator runs: the last one gave the Lease {lease} back"
    renewed = dt.datetime.fromisoformat(spec["renewTime"])
    if (now - renewed).total_seconds() <= spec.get("leaseDurationSeconds", 0) + PATIENCE:
        return None
    return f"no operator runs: {spec['holderIdentity']} renewed the Lease {lease} last at {spec['renewTime'][:19]}Z"


def dead_letters(plan: Plan) -> tuple[str, ...]:
    """Where dead letters go, the app's own default first."""
    ends = [broker.dead_letter for broker in plan.nodes_of(model.Broker)]
    ends += [edge.dead_letter for edge in plan.edges_of(model.Trigger)]
    ends += [edge.dead_letter for edge in plan.edges_of(model.Consume)]
    store = f"the app's store, Service {names.own(plan.app, names.DEAD_LETTERS)}"
    told = (store if end is None else re.sub("^function/", "function ", end) for end in ends)
    return tuple(dict.fromkeys(told))


def _notes(app: Mapping[str, Any], known: AppState, missing: str | None) -> Iterator[str]:
    metadata, status = app["metadata"], app.get("status") or {}
    if (metadata.get("annotations") or {}).get(resources.PAUSED) == "true":
        yield f"it is paused: nothing is made, mended or deleted until the annotation {resources.PAUSED} is taken away"
    elif not known.current:
        seen, last = status.get("observedGeneration", "none"), metadata["generation"]
        yield f"the operator has not seen this change yet: the spec is at generation {last}, it has seen {seen}"
    if missing is not None:
        yield f"{missing}; {MEND}, or name its Lease with --lease"


async def _object(there: Survey, kind: ApiKind, ref: Ref) -> ObjectState:
    if not there.served.has(kind):
        return ObjectState(kind, ref, Readiness("False", "DependencyMissing", capabilities.unserved(kind)))
    body = await there.look(kind, ref)
    if body is None:
        return ObjectState(kind, ref, readiness.ABSENT)
    live = seeing.seen(body)
    entries = inventory.kept(there.app) if there.app is not None else {}
    if not inventory.ours(there.key, live, entries.get(ref)):
        return ObjectState(kind, ref, Readiness("False", "Conflict", inventory.taken(live)))
    return ObjectState(kind, ref, live.readiness, live.url)


async def _left(there: Survey, app: Object, wanted: set[Ref]) -> AsyncIterator[ObjectState]:
    """What the app made and does not want any more."""
    for ref, entry in inventory.kept(app).items():
        kind = resources.ApiKind(*entry[:2])
        if ref not in wanted and await there.look(kind, ref) is not None:
            yield ObjectState(kind, ref, Readiness("Unknown", LEFT, "it is not wanted any more"))


def _parts(objects: Sequence[tuple[str, ObjectState]]) -> tuple[Part, ...]:
    order = [*dict.fromkeys(desired.ASPECTS.values()), LEFT]
    grouped = {pattern: tuple(one for aspect, one in objects if aspect == pattern) for pattern in order}
    return tuple(Part(pattern, found) for pattern, found in grouped.items() if found)
