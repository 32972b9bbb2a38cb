"""What an app has made: kept in its status before anything is made, so that a crash leaves nothing unknown.

What holds here: an object is ours, or it is never touched. What is not wanted any more is deleted only as the very
object that was made, and never if it holds data or the app's policy keeps it.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, NamedTuple

from patternapp.cluster import resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from patternapp.cluster.resources import AppKey, Ref
    from patternapp.cluster.seen import Seen


class Policy(enum.StrEnum):
    """What becomes of an app's objects when it, or the entry they stand for, goes (annotation on the PatternApp)."""

    RETAIN = "retain"
    """The default: what holds data stays, all else goes."""
    DELETE = "delete"
    """Everything goes."""
    ORPHAN = "orphan"
    """Everything stays."""

    def keeps(self, kind: str) -> bool:
        """Whether objects of this kind stay."""
        return self is Policy.ORPHAN or (self is Policy.RETAIN and kind in resources.STATEFUL)


class Entry(NamedTuple):
    """One object that an app made or is about to make.

    `uid` and `digest` are empty until it is made. The digest is of what was wanted and of which fields were applied.
    """

    api_version: str
    kind: str
    name: str
    uid: str = ""
    digest: str = ""

    def ref(self, namespace: str) -> Ref:
        """What names the object."""
        return resources.Ref(namespace, resources.group(self.api_version), self.kind, self.name)

    def dumped(self) -> dict[str, str]:
        """The entry as the status holds it."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "name": self.name,
            **({"uid": self.uid} if self.uid else {}),
            **({"digest": self.digest} if self.digest else {}),
        }


def policy(body: Mapping[str, Any]) -> Policy:
    """The deletion policy of an app; an unknown word is as safe as the default."""
    word = (body["metadata"].get("annotations") or {}).get(resources.DELETION_POLICY, "")
    return Policy(word) if word in set(Policy) else Policy.RETAIN


def kept(body: Mapping[str, Any]) -> dict[Ref, Entry]:
    """The inventory in an app's status."""
    namespace = body["metadata"]["namespace"]
    entries = (
        Entry(item["apiVersion"], item["kind"], item["name"], item.get("uid", ""), item.get("digest", ""))
        for item in (body.get("status") or {}).get("inventory") or ()
    )
    return {entry.ref(namespace): entry for entry in entries}


def dumped(entries: Iterable[Entry]) -> list[dict[str, str]]:
    """An inventory as the status holds it, in an order that does not depend on how it came about."""
    return [entry.dumped() for entry in sorted(entries, key=lambda one: (one.kind, one.name, one.api_version))]


def ours(app: AppKey, live: Seen, entry: Entry | None) -> bool:
    """Whether an object may be touched for this app.

    It may if its controller is the app (also one of the same name that was deleted and made again), or, where nobody
    controls it, if the inventory has its uid or the operator applied it and it still has the app's label. A label alone
    proves nothing: anybody can write it.
    """
    if live.controller:
        return app.name in live.ours
    return bool(entry and entry.uid == live.uid) or (bool(live.fields) and app in live.apps)


def taken(live: Seen) -> str:
    """What to say of an object that is not ours."""
    holder = live.controller or (f"field manager {live.rival!r}" if live.rival else "somebody else")
    return f"it exists and belongs to {holder}; rename or delete one of the two"
