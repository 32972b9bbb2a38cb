"""What is put into the cluster once its API server is there: all objects at once, waited for at the end.

What holds here: applying it again changes nothing that is as it should be.
"""

from __future__ import annotations

import functools
import http.client
import string
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster import api, definitions
from cluster.stack import addresses, manifests

from patternapp.render import yaml as render_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Object = dict[str, Any]
_OWN = Path(__file__).with_name("objects.yaml")
_QUERY = "fieldManager=patternapp-cluster&force=true"
_APPLY = "application/apply-patch+yaml"
_FIRST = ("Namespace", "CustomResourceDefinition")
_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
"""From when on nothing of what they judge is taken until the Pods behind them run."""
_WITHIN = 300.0
_LOOK_EVERY = 0.5
_SAY_EVERY = 10.0


class NotInstalledError(Exception):
    """Something is not as it should be in time; the message says what."""


def own() -> list[Object]:
    """What the node's own parts need."""
    values = {
        "coredns": manifests.image("coredns"),
        "dns": addresses.DNS,
        "node": addresses.NODE,
        "ingress": addresses.INGRESS,
        "internal": addresses.INTERNAL_INGRESS,
    }
    return list(definitions.documents(string.Template(_OWN.read_text()).substitute(values)))


def apply(access: api.Access, tell: Callable[[str], None]) -> list[Object]:
    """Apply all; the objects.

    Raises:
        NotInstalledError: The server refuses one.
    """
    server = api.Api(access)
    objects = [*own(), *manifests.objects()]
    first = [item for item in objects if item["kind"] in _FIRST]
    last = [item for item in objects if item["kind"] in _LAST]
    rest = [item for item in objects if item["kind"] not in {*_FIRST, *_LAST}]
    for item in first:
        _apply(server, item)
    for item in first:
        if item["kind"] == "CustomResourceDefinition":
            name = item["metadata"]["name"]
            _until(f"definition {name} that is served", functools.partial(_is_established, server, name))
    tell(f"{len(first)} namespaces and definitions applied")
    for item in (*rest, *last):
        _apply(server, item)
    tell(f"{len(rest) + len(last)} other objects applied")
    server.close()
    return objects


def _is_established(server: api.Api, name: str) -> bool:
    return definitions.conditions(server, name).get("Established") == "True"


def _serves(server: api.Api, version: str, kind: str) -> bool:
    server.forget(version)
    return server.serves(version, kind)


def _apply(server: api.Api, item: Object) -> None:
    namespace = item["metadata"].get("namespace", "default")
    version = item["apiVersion"]
    if not server.serves(version, item["kind"]):
        _until(f"{item['kind']} in {version}", lambda: _serves(server, version, item["kind"]))
    text = render_yaml.dump([item]).encode()
    path = server.path(item, namespace)
    answer = server.request("PATCH", path, text, query=_QUERY, headers={"Content-Type": _APPLY})
    if answer.refusal is not None:
        raise NotInstalledError(f"{path}: {answer.refusal}")


def wait(access: api.Access, objects: Iterable[Object], tell: Callable[[str], None]) -> None:
    """Return once every Deployment, StatefulSet and aggregated API of these works.

    Raises:
        NotInstalledError: One does not in time; the message says which, and what their Pods say.
    """
    server = api.Api(access)
    waiting = [server.path(item, item["metadata"].get("namespace", "")) for item in objects if item["kind"] in _WORKS]
    deadline = time.monotonic() + _WITHIN
    said = time.monotonic()
    while waiting := [path for path in waiting if not _works(server.get(path).object())]:
        if time.monotonic() > deadline:
            raise NotInstalledError(f"not ready in {_WITHIN:.0f} s: {', '.join(waiting)}\n{_complaints(server)}")
        if time.monotonic() - said > _SAY_EVERY:
            said = time.monotonic()
            tell(f"waiting for {', '.join(path.rpartition('/')[2] for path in waiting)}")
        time.sleep(_LOOK_EVERY)
    server.close()


def _works(item: Object) -> bool:
    return _WORKS[item["kind"]](item)


def _has_pods(item: Object) -> bool:
    status = item.get("status", {})
    is_seen: bool = status.get("observedGeneration") == item["metadata"]["generation"]
    return is_seen and status.get("readyReplicas", 0) >= item["spec"]["replicas"]


def _is_available(item: Object) -> bool:
    conditions = item.get("status", {}).get("conditions", ())
    return any(one["type"] == "Available" and one["status"] == "True" for one in conditions)


_WORKS: dict[str, Callable[[Object], bool]] = {
    "Deployment": _has_pods,
    "StatefulSet": _has_pods,
    "APIService": _is_available,
}


def _complaints(server: api.Api) -> str:
    """What the last warnings of the cluster say."""
    events = server.get("/api/v1/events").object()["items"]
    warnings = sorted(
        (event for event in events if event["type"] == "Warning"), key=lambda event: event["lastTimestamp"] or ""
    )
    return "\n".join(f"{event['involvedObject']['name']}: {event['message']}" for event in warnings[-10:])


def _until(what: str, check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN
    while True:
        try:
            if check():
                return
        except (OSError, http.client.HTTPException):
            pass
        if time.monotonic() > deadline:
            raise NotInstalledError(f"there is no {what} after {_WITHIN:.0f} s")
        time.sleep(_LOOK_EVERY)
