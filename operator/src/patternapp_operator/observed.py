"""What the watches, the audits and the answers to our own writes have told of the cluster.

What holds here:

* An older state never replaces a newer one: resource versions grow (KEP-5504), whatever way they came.
* It may lag behind and, after a gap in a watch, hold what is gone. So nothing is written on its word alone: before a
  write the app is read anew, a write names the object's uid, and audits replace what is here by what there is.
"""

from __future__ import annotations

import json
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp.cluster import resources
from patternapp.cluster import seen as seeing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from patternapp.cluster.resources import AppKey, Object, Ref
    from patternapp.cluster.seen import Seen

GRAVES = 10_000
"""Deletions that are remembered against late news of what was deleted."""


class Observed:
    """The objects of all apps."""

    def __init__(self) -> None:
        self._objects: dict[Ref, Seen] = {}
        self._by_app: dict[AppKey, set[Ref]] = defaultdict(set)
        self._graves: OrderedDict[Ref, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, ref: Ref) -> Seen | None:
        """An object as it was last seen; None where none was."""
        return self._objects.get(ref)

    def of(self, app: AppKey) -> Iterator[tuple[Ref, Seen]]:
        """The objects that say they belong to an app."""
        for ref in sorted(self._by_app.get(app, ())):
            yield ref, self._objects[ref]

    def of_kind(self, group: str, kind: str) -> set[Ref]:
        """The objects of one kind."""
        return {ref for ref in self._objects if (ref.group, ref.kind) == (group, kind)}

    def note(self, ref: Ref, body: Mapping[str, Any]) -> frozenset[AppKey]:
        """Take in a state of an object; the apps it concerns, none if it is not news."""
        now, before = seeing.seen(body), self._objects.get(ref)
        if now.version <= max(before.version if before else 0, self._graves.get(ref, 0)):
            return frozenset()
        self._objects[ref] = now
        for app in (before.apps if before else frozenset()) - now.apps:
            self._leave(app, ref)
        for app in now.apps:
            self._by_app[app].add(ref)
        if before is not None and now.same(before):
            return frozenset()
        return now.apps | (before.apps if before else frozenset())

    def doubt(self, ref: Ref) -> None:
        """Forget an object that turned out to be another one."""
        before = self._objects.pop(ref, None)
        for app in before.apps if before else ():
            self._leave(app, ref)

    def gone(self, ref: Ref, version: int) -> frozenset[AppKey]:
        """An object was deleted at this version, or has no label of ours any more; the apps it concerns."""
        self._graves[ref] = max(version, self._graves.pop(ref, 0))
        if len(self._graves) > GRAVES:
            self._graves.popitem(last=False)
        before = self._objects.get(ref)
        if before is None or before.version > version:
            return frozenset()
        self.doubt(ref)
        return before.apps

    def _leave(self, app: AppKey, ref: Ref) -> None:
        self._by_app[app].discard(ref)
        if not self._by_app[app]:
            del self._by_app[app]


@dataclass(frozen=True, slots=True)
class SeenApp:
    """A PatternApp as it was last seen."""

    uid: str
    version: int
    generation: int
    content: str

    def body(self) -> Object:
        """The whole resource, without managedFields."""
        result: Object = json.loads(self.content)
        return result


class Apps:
    """The PatternApps of the cluster."""

    def __init__(self) -> None:
        self._apps: dict[AppKey, SeenApp] = {}

    def __len__(self) -> int:
        return len(self._apps)

    def __iter__(self) -> Iterator[AppKey]:
        return iter(tuple(self._apps))

    def get(self, key: AppKey) -> SeenApp | None:
        """An app as it was last seen."""
        return self._apps.get(key)

    def note(self, body: Mapping[str, Any]) -> AppKey | None:
        """Take in a state of an app; its key, None if it is not news."""
        metadata = body["metadata"]
        key = resources.AppKey(metadata["namespace"], metadata["name"])
        before, version = self._apps.get(key), int(metadata["resourceVersion"])
        if before is not None and version <= before.version:
            return None
        kept = {name: value for name, value in metadata.items() if name != "managedFields"}
        content = json.dumps({**body, "metadata": kept}, separators=(",", ":"))
        self._apps[key] = SeenApp(metadata["uid"], version, metadata.get("generation", 0), content)
        return key

    def gone(self, key: AppKey, uid: str | None = None) -> AppKey | None:
        """An app was deleted; its key, None if it is not the one that is known."""
        before = self._apps.get(key)
        if before is None or (uid is not None and before.uid != uid):
            return None
        del self._apps[key]
        return key

    def keep(self, present: Iterable[AppKey]) -> list[AppKey]:
        """Forget every app that is not among `present`; their keys."""
        lost = [key for key in self._apps if key not in set(present)]
        for key in lost:
            del self._apps[key]
        return lost
