"""What an API server told, and when: every object of some kinds of a namespace, from watches.

What holds here: a time is that at which the server's word arrived here, by this process's monotonic clock, so times of
different kinds, and of what this process did itself, can be compared.
"""

from __future__ import annotations

import math
import queue
import time
from typing import TYPE_CHECKING, Any

from cluster.stack import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from e2e import kube

Object = dict[str, Any]


class Record(queue.Queue[watching.Change]):
    """Everything that was told of these kinds, each an API version and a kind, since it was made."""

    def __init__(self, namespace: kube.Namespace, kinds: Collection[tuple[str, str]]) -> None:
        super().__init__()
        self._kinds = {kind for _, kind in kinds}
        self._changes: list[tuple[float, watching.Change]] = []
        for version, kind in kinds:
            watching.follow(namespace.server.access, kind, namespace.path(kind, version), self)

    def put(self, item: watching.Change, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002, FBT001, FBT002 - a queue's
        """Keep it, with the time."""
        self._changes.append((time.monotonic(), item))

    @property
    def complete(self) -> bool:
        """Whether all kinds have been told of: from now on nothing is missed."""
        return {change.kind for _, change in tuple(self._changes)} == self._kinds

    def first(self, kind: str, check: Callable[[Object], bool]) -> float | None:
        """When one of a kind was first so; None where none was."""
        for at, change in tuple(self._changes):
            if change.kind == kind and any(check(item) for item in change.objects.values()):
                return at
        return None

    def since(self, kind: str, name: str, check: Callable[[Object], bool], *, until: float = math.inf) -> float | None:
        """From when on an object has been so without a break, by what was told until a time; None where it was not."""
        began: float | None = None
        for at, change in tuple(self._changes):
            if change.kind != kind or at > until:
                continue
            held = any(key[1] == name and check(item) for key, item in change.objects.items())
            began = (at if began is None else began) if held else None
        return began


def condition(item: Object, name: str) -> bool:
    """Whether a condition of an object is true."""
    conditions = (item.get("status") or {}).get("conditions") or ()
    return any(one["type"] == name and one["status"] == "True" for one in conditions)
