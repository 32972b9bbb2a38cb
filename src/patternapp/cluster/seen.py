"""One object of the cluster in short: who has it, whether it works, and whether anybody changed what was applied.

What holds here: whether anybody changed a field of ours is read from managedFields: whoever changes or deletes a field
that we applied takes it out of our entry there, and nothing else does. So defaults, scaling and foreign fields are no
drift.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp.cluster import readiness, resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from patternapp.cluster.readiness import Readiness
    from patternapp.cluster.resources import AppKey


@dataclass(frozen=True, slots=True)
class Seen:
    """One object as it was last seen.

    Attributes:
        fields: A digest of the fields that the operator has applied and nobody has changed since; empty where none.
        rival: The field manager other than the operator that wrote it last; empty where there is none.
        controller: Kind and name of the object that controls it; empty where none does.
        owned: The uids of all its owners.
        ours: The names of the PatternApps that control it.
        apps: The apps it may belong to.
    """

    api_version: str
    uid: str
    version: int
    deleting: bool
    fields: str
    rival: str
    controller: str
    owned: frozenset[str]
    ours: frozenset[str]
    url: str | None
    readiness: Readiness
    apps: frozenset[AppKey]

    def same(self, other: Seen) -> bool:
        """Whether nothing changed that the operator acts on."""
        return (self.uid, self.deleting, self.fields, self.owned, self.url, self.readiness, self.apps) == (
            other.uid,
            other.deleting,
            other.fields,
            other.owned,
            other.url,
            other.readiness,
            other.apps,
        )


def seen(body: Mapping[str, Any]) -> Seen:
    """An object of the API server in short."""
    metadata = body["metadata"]
    writers = [entry for entry in metadata.get("managedFields") or () if not entry.get("subresource")]
    rivals = [entry for entry in writers if entry.get("manager") != resources.FIELD_OWNER]
    owners = metadata.get("ownerReferences") or ()
    controllers = [owner for owner in owners if owner.get("controller")]
    return Seen(
        api_version=body["apiVersion"],
        uid=metadata["uid"],
        version=int(metadata["resourceVersion"]),
        deleting="deletionTimestamp" in metadata,
        fields=_applied(writers),
        rival=max(rivals, key=lambda entry: entry.get("time", "")).get("manager", "") if rivals else "",
        controller=" ".join((controllers[0]["kind"], controllers[0]["name"])) if controllers else "",
        owned=frozenset(owner["uid"] for owner in owners),
        ours=frozenset(resources.owners(controllers)),
        url=(body.get("status") or {}).get("url"),
        readiness=readiness.readiness(resources.group(body["apiVersion"]), body),
        apps=frozenset(resources.apps_of(body)),
    )


def digest(content: str) -> str:
    """A short text that is equal for equal contents."""
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


def _applied(writers: Iterable[Mapping[str, Any]]) -> str:
    for entry in writers:
        if entry.get("manager") == resources.FIELD_OWNER and entry.get("operation") == "Apply":
            return digest(json.dumps(entry.get("fieldsV1"), separators=(",", ":"), sort_keys=True))
    return ""
