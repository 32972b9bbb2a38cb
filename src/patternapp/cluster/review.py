"""What applying an app's file would do to a cluster: the server is asked object by object, and keeps nothing.

What holds here:

* What is compared is what the server has with what the server would have; so defaults are no difference, schemas, rules
  and webhooks have judged, and a field that we no longer want is seen to go.
* What becomes of an object follows the operator's own rules: whose it is, and which deletions the app's policy forbids.
"""

from __future__ import annotations

import asyncio
import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp.cluster import capabilities, desired, difference, failures, inventory, resources
from patternapp.cluster import seen as seeing
from patternapp.cluster import survey as surveys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.cluster.client import Client
    from patternapp.cluster.desired import Wanted
    from patternapp.cluster.difference import Change
    from patternapp.cluster.inventory import Entry
    from patternapp.cluster.resources import ApiKind, AppKey, Object, Ref
    from patternapp.cluster.survey import Survey
    from patternapp.render.capabilities import Capabilities

OWNERS = "metadata.ownerReferences"
_OWNER = re.compile(r'conflict with "([^"]+)"')


class Verdict(enum.StrEnum):
    """What would become of an object."""

    SAME = "unchanged"
    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    KEPT = "kept"
    """It is not wanted any more, and stays."""
    FOREIGN = "foreign"
    """Somebody else has that name; nothing is touched."""
    REFUSED = "refused"
    """The server would not take it."""
    UNSERVED = "unserved"
    """The server has no such kind."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A field that would be taken over from another field manager."""

    path: str
    manager: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What would become of one object, and why."""

    kind: ApiKind
    name: str
    verdict: Verdict
    message: str = ""
    changes: tuple[Change, ...] = ()
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class AppReview:
    """What would become of an app: the resource itself, and then its objects in the order of application."""

    key: AppKey
    app: Review
    objects: tuple[Review, ...]
    paused: bool


async def review(client: Client, resource: Object, base: Capabilities) -> AppReview:
    """What applying this PatternApp would do.

    Args:
        client: The cluster.
        resource: The PatternApp as its author wrote it.
        base: What the cluster can do, as far as it does not tell itself.

    Raises:
        errors.SpecError: the app cannot be rendered.
        errors.PatternAppError: its namespace does not exist.
        errors.EnvironmentProblem: the server cannot be asked.
        failures.ClusterError: the server does not let the user look.
    """
    metadata = resource["metadata"]
    key = resources.AppKey(metadata.get("namespace") or client.namespace, metadata["name"])
    there = await surveys.survey(client, key)
    body = _merged(resource, key, there.app)
    wanted = desired.desired(body, there.served.rendering(base, key.namespace)).objects
    reviewer = _Reviewer(client, there, body)
    try:
        app, objects = await asyncio.gather(reviewer.app(resource), reviewer.objects(wanted))
    except failures.Missing as error:
        # All kinds that are asked for are served, so it is what they are in that is missing.
        raise errors.PatternAppError(
            f"there is no namespace {key.namespace}; name another with -n, or: kubectl create namespace {key.namespace}"
        ) from error
    return AppReview(key, app, objects, (body["metadata"]["annotations"]).get(resources.PAUSED) == "true")


def _merged(resource: Object, key: AppKey, live: Object | None) -> Object:
    """The PatternApp as the server would have it, as far as its objects depend on it."""
    known = live["metadata"] if live is not None else {}
    metadata = {
        **resource["metadata"],
        "namespace": key.namespace,
        "uid": known.get("uid", ""),
        "annotations": {**known.get("annotations", {}), **resource["metadata"].get("annotations", {})},
    }
    return {**resource, "metadata": metadata}


@dataclass(frozen=True, slots=True)
class _Reviewer:
    """Asks about one app; `body` is the app as it would be."""

    client: Client
    there: Survey
    body: Object

    @property
    def key(self) -> AppKey:
        return self.there.key

    @property
    def entries(self) -> Mapping[Ref, Entry]:
        """The inventory of the app as it is."""
        return inventory.kept(self.there.app) if self.there.app is not None else {}

    async def app(self, resource: Object) -> Review:
        """What becomes of the PatternApp itself."""
        kind, name = resources.APP_KIND, self.key.name
        if not self.there.installed:
            message = f"the cluster has no {kind.definition}; install the operator, or apply what `render` prints"
            return Review(kind=kind, name=name, verdict=Verdict.UNSERVED, message=message)
        try:
            if self.there.app is None:
                await self.client.try_create(resource, self.key.namespace)
                return Review(kind=kind, name=name, verdict=Verdict.CREATED)
            authored = {"/spec": resource["spec"]}
            for part in ("labels", "annotations"):
                if resource["metadata"].get(part):
                    authored[f"/metadata/{part}"] = (
                        self.there.app["metadata"].get(part, {}) | resource["metadata"][part]
                    )
            would = await self.client.try_put(kind, *self.key, authored)
        except (failures.Invalid, failures.Forbidden) as error:
            return _refused(kind, name, error)
        return _compared(kind, name, difference.changes(self.there.app, would))

    async def objects(self, wanted: tuple[Wanted, ...]) -> tuple[Review, ...]:
        """What becomes of the objects that are wanted, and of those that no longer are."""
        judged = await asyncio.gather(*(self._judge(one) for one in wanted))
        left = await self._left({one.ref for one in wanted})
        return (*judged, *left)

    async def _judge(self, one: Wanted) -> Review:
        if not self.there.served.has(one.kind):
            message = capabilities.unserved(one.kind)
            return Review(kind=one.kind, name=one.ref.name, verdict=Verdict.UNSERVED, message=message)
        live = await self.there.look(one.kind, one.ref)
        if live is not None and not self._ours(live):
            message = inventory.taken(seeing.seen(live))
            return Review(kind=one.kind, name=one.ref.name, verdict=Verdict.FOREIGN, message=message)
        try:
            would, claims = await self._try(self._body(one))
        except (failures.Invalid, failures.Forbidden, failures.Conflict) as error:
            return _refused(one.kind, one.ref.name, error)
        if live is None:
            return Review(kind=one.kind, name=one.ref.name, verdict=Verdict.CREATED)
        return _compared(one.kind, one.ref.name, self._changes(live, would), claims)

    def _body(self, one: Wanted) -> Object:
        body = one.body()
        if self.there.app is None:
            # There is no owner to name: yet, or at all where what `render` prints is applied.
            body["metadata"].pop("ownerReferences", None)
        return body

    def _changes(self, live: Object, would: Object) -> tuple[Change, ...]:
        found = difference.changes(live, would)
        return found if self.there.app is not None else tuple(one for one in found if not one.path.startswith(OWNERS))

    def _ours(self, live: Object) -> bool:
        """Whether the operator would touch it; without an operator, the app's label is all there is."""
        short = seeing.seen(live)
        if inventory.ours(self.key, short, self.entries.get(resources.ref(live))):
            return True
        return not self.there.installed and not short.controller and self.key in short.apps

    async def _try(self, body: Object) -> tuple[Object, tuple[Claim, ...]]:
        """The object as it would be, and what is taken from others for that."""
        try:
            return await self.client.try_apply(body, self.key.namespace, force=False), ()
        except failures.Conflict as error:
            if not error.causes:
                raise
            claims = tuple(Claim(path.removeprefix("."), _manager(message)) for path, message in error.causes)
            return await self.client.try_apply(body, self.key.namespace, force=True), claims

    async def _left(self, wanted: set[Ref]) -> tuple[Review, ...]:
        """What becomes of the objects that the app made, or that have its label, and that it does not want."""
        kinds = {ref: resources.ApiKind(*entry[:2]) for ref, entry in self.entries.items()}
        kinds = {ref: resources.kind_of(item) for ref, item in self.there.labelled.items()} | kinds
        asked = sorted(ref for ref in kinds if ref not in wanted)
        found = await asyncio.gather(*(self.there.look(kinds[ref], ref) for ref in asked))
        return tuple(
            self._farewell(kinds[ref], ref, live) for ref, live in zip(asked, found, strict=True) if live is not None
        )

    def _farewell(self, kind: ApiKind, ref: Ref, live: Object) -> Review:
        short, uid = seeing.seen(live), self.body["metadata"]["uid"]
        made = ref in self.entries or uid in short.owned
        policy, verdict = inventory.policy(self.body), Verdict.KEPT
        if self.key.name in short.ours and uid not in short.owned:
            message, verdict = (
                "it is left of an earlier app of this name; the garbage collector takes it",
                Verdict.DELETED,
            )
        elif not made or not self._ours(live):
            message = "it has the app's label and the operator did not make it; delete it yourself if nobody needs it"
        elif policy.keeps(kind.kind):
            message = f"the app's deletion policy ({policy}) keeps it"
        else:
            message, verdict = "", Verdict.DELETED
        return Review(kind=kind, name=ref.name, verdict=verdict, message=message)


def _compared(kind: ApiKind, name: str, changes: tuple[Change, ...], claims: tuple[Claim, ...] = ()) -> Review:
    verdict = Verdict.CHANGED if changes or claims else Verdict.SAME
    return Review(kind=kind, name=name, verdict=verdict, changes=changes, claims=claims)


def _refused(kind: ApiKind, name: str, error: failures.Rejected) -> Review:
    reasons = [f"{path}: {message}" if path not in {"", "<nil>"} else message for path, message in error.causes]
    return Review(kind=kind, name=name, verdict=Verdict.REFUSED, message="; ".join(reasons) or error.message)


def _manager(message: str) -> str:
    """The other field manager's name in the server's words."""
    found = _OWNER.search(message)
    return found.group(1) if found else message
