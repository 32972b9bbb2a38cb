"""What kopf is used for: watches, which put the keys of apps into the queue.

What holds here:

* There are only `on.event` handlers. They await nothing and write nothing, so kopf keeps no state in any object: no
  finalizers, no annotations. Its storages are therefore empty, which halves what an event costs.
* Labels are selected by the server; PatternApps are watched whole.
* A watch that dies ends kopf (>= 1.45 re-raises); `patternapp_operator.watches` says what then.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import kopf

from patternapp.cluster import resources
from patternapp.render import names
from patternapp_operator import connection
from patternapp_operator.workqueue import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kopf import BodyEssence

    from patternapp.cluster.resources import ApiKind, AppKey
    from patternapp_operator.hearing import Hearing
    from patternapp_operator.observed import Apps, Observed
    from patternapp_operator.reach import Reach
    from patternapp_operator.settings import Settings
    from patternapp_operator.workqueue import WorkQueue

SERVER_TIMEOUT = 300
LONGEST_WAIT = 8.0
"""Seconds between two attempts to watch; after an outage, this is how long it may take until news come again."""
CHILD_DELAY = 0.05
"""Seconds that news of an object waits for more: the objects of an app tend to become ready together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes in what the watches tell."""

    apps: Apps
    observed: Observed
    queue: WorkQueue[AppKey]
    hearing: Hearing
    reach: Callable[[], Reach]
    relisted: Callable[[], None]
    """Called when a watch tells what is there, as it does at its beginning and after a gap."""

    def app(self, kind: str | None, body: dict[str, Any]) -> None:
        """News of a PatternApp; `kind` is the watch's word, None for what was there before."""
        metadata = body["metadata"]
        self.hearing.told(resources.APP_KIND, int(metadata["resourceVersion"]))
        if kind is None:
            self.relisted()
        if kind == "DELETED":
            key = self.apps.gone(resources.AppKey(metadata["namespace"], metadata["name"]), metadata["uid"])
        else:
            key = self.apps.note(body)
        if key is not None:
            self.queue.add(key, Priority.RESYNC if kind is None else Priority.EDIT)

    def child(self, kind: str | None, body: dict[str, Any]) -> None:
        """News of an object with our label."""
        if resources.kind_of(body) not in set(self.reach().kinds()):
            return
        ref = resources.ref(body)
        self.hearing.told(resources.kind_of(body), int(body["metadata"]["resourceVersion"]))
        if kind is None:
            self.relisted()
        if kind == "DELETED":
            keys = self.observed.gone(ref, int(body["metadata"]["resourceVersion"]))
        else:
            keys = self.observed.note(ref, body)
        for key in keys:
            self.queue.add(key, Priority.CHILD, delay=CHILD_DELAY)


class _NoDiffs(kopf.DiffBaseStorage):
    """Keeps no last-handled configuration: nothing here asks what changed."""

    def build(self, **_: Any) -> BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Keeps no progress of handlers: they are never retried."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: BodyEssence) -> BodyEssence:
        return essence


class _Backoffs:
    """Growing, jittered waits without end: an outage, however long, is nothing that a new process could mend.

    What does end a watch, and with it the process, is an answer that would be the same again, or an error inside it.
    """

    def __iter__(self) -> Iterator[float]:
        waits = itertools.chain((0.5, 1.0, 2.0, 4.0), itertools.repeat(LONGEST_WAIT))
        return (seconds * random.uniform(0.8, 1.2) for seconds in waits)  # noqa: S311 - spread


def settings() -> kopf.OperatorSettings:
    """Settings for watching and nothing else."""
    result = kopf.OperatorSettings()
    result.peering.standalone = True
    result.posting.enabled = False
    # Whole seconds: the server refuses a fraction.
    result.watching.server_timeout = round(SERVER_TIMEOUT * random.uniform(0.9, 1.1))  # noqa: S311 - spread
    result.watching.client_timeout = result.watching.server_timeout + 30
    result.watching.connect_timeout = 10
    result.watching.reconnect_backoff = 1.0
    result.watching.chunk_size = 500
    for kind in resources.KINDS:
        result.watching.label_selectors[kind.group, kind.api_version.rpartition("/")[2], kind.plural] = names.APP_LABEL
    result.networking.request_timeout = 30
    result.networking.connect_timeout = 5
    result.networking.error_backoffs = _Backoffs()
    result.networking.enforce_retry_after = True
    result.queueing.idle_timeout = 1.0
    result.persistence.diffbase_storage = _NoDiffs()
    result.persistence.progress_storage = _NoProgress()
    result.process.ultimate_exiting_timeout = 25
    # Kinds and namespaces are looked for once: watching for more takes rights that are needed for nothing else.
    result.scanning.disabled = True
    return result


def registry(intake: Intake, chosen: Settings, kinds: Iterable[ApiKind]) -> kopf.OperatorRegistry:
    """The handlers of one operator for these kinds, PatternApps or objects of theirs."""
    result = kopf.OperatorRegistry()

    async def app(event: kopf.RawEvent, **_: Any) -> None:
        intake.app(event["type"], dict(event["object"]))

    async def child(event: kopf.RawEvent, **_: Any) -> None:
        intake.child(event["type"], dict(event["object"]))

    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await connection.for_watches(chosen)

    kopf.on.login(registry=result)(login)
    for kind in kinds:
        _watch(kind, result)(app if kind == resources.APP_KIND else child)
    return result


def _watch(kind: ApiKind, registry: kopf.OperatorRegistry) -> Callable[..., Any]:
    version = kind.api_version.rpartition("/")[2]
    return kopf.on.event(kind.group, version, kind.plural, id=f"{kind.plural}-{version}", registry=registry)
