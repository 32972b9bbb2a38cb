"""All objects of a kind, and every change of them, as an API server tells it."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster import api

if TYPE_CHECKING:
    import queue
    from collections.abc import Iterator

_FOR = 240
"""Seconds after which the server ends a watch in order."""
_AGAIN = 0.5
_GONE = http.client.HTTPException, OSError, AssertionError, ValueError


@dataclass(frozen=True, slots=True)
class Change:
    """What is now: all objects of a kind by ``(namespace, name)``. The mapping belongs to whoever gets it."""

    kind: str
    objects: dict[tuple[str, str], dict[str, Any]]


def follow(access: api.Access, kind: str, path: str, changes: queue.Queue[Change]) -> None:
    """Tell of a collection as long as this process lives: as it is, and anew after every change.

    Where the server, or the kind, is away, it is asked again and again.
    """
    threading.Thread(target=_follow, args=(access, kind, path, changes), daemon=True).start()


def _follow(access: api.Access, kind: str, path: str, changes: queue.Queue[Change]) -> None:
    while True:
        with contextlib.suppress(*_GONE):
            listed = _list(access, path)
            objects = {_key(item): item for item in listed["items"]}
            changes.put(Change(kind, dict(objects)))
            for event in _events(access, path, listed["metadata"]["resourceVersion"]):
                item = event["object"]
                if event["type"] == "DELETED":
                    objects.pop(_key(item), None)
                else:
                    objects[_key(item)] = item
                changes.put(Change(kind, dict(objects)))
        time.sleep(_AGAIN)  # before another try


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _list(access: api.Access, path: str) -> dict[str, Any]:
    server = api.Api(access)
    with contextlib.closing(server):
        return server.get(path).object()


def _events(access: api.Access, path: str, since: str) -> Iterator[dict[str, Any]]:
    """What happened, until the server ends it or says that it no longer knows what was since then."""
    connection = http.client.HTTPSConnection(*access.location, context=access.context, timeout=_FOR * 2)
    with contextlib.closing(connection):
        connection.request("GET", f"{path}?watch=1&resourceVersion={since}&timeoutSeconds={_FOR}")
        answer = connection.getresponse()
        for line in answer:
            event: dict[str, Any] = json.loads(line)
            if event["type"] == "ERROR":
                return
            yield event
