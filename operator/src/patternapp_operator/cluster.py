"""The API server: the only place that sends requests to it.

What holds here:

* Objects are plain data both ways, sent through the official client's connection, credentials and TLS; its typed models
  are never used (they cost several times the request).
* Every request has a time limit. 429 is waited out as the server says, up to `PATIENCE`; everything else is told.
* Nothing is written unless `fence` allows it at that moment.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib import parse

import aiohttp

from patternapp.render import yaml
from patternapp_operator import resources
from patternapp_operator.failures import Conflict, Fenced, Forbidden, Invalid, Missing, Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from kubernetes.aio import client

    from patternapp_operator.metrics import Metrics
    from patternapp_operator.resources import ApiKind, Object

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
PATIENCE = 10.0
"""Seconds that a request waits at most when the server asks it to."""
ATTEMPTS = 3
PAGE = 500
APPLY = "application/apply-patch+yaml; charset=utf-8"
"""The server drops the charset; with it the client sends text as it is and does not write JSON itself: the server reads
YAML, which knows neither JSON's surrogate pairs nor its bare control characters."""
MERGE = "application/merge-patch+json"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_ERRORS: dict[int, type[Rejected]] = {
    401: Forbidden,
    403: Forbidden,
    404: Missing,
    409: Conflict,
    410: Conflict,
    400: Invalid,
    415: Invalid,
    422: Invalid,
}


class Cluster:
    """Requests to one API server."""

    def __init__(self, api: client.ApiClient, metrics: Metrics, *, fence: Callable[[], bool] = lambda: True) -> None:
        """Requests over `api`; `fence` says whether this process may write now."""
        self._api = api
        self._metrics = metrics
        self._fence = fence

    async def get(self, kind: ApiKind, namespace: str, name: str) -> Object | None:
        """One object; None where there is none."""
        try:
            return await self._send("GET", resources.path(kind, namespace, name))
        except Missing:
            return None

    async def list(self, kind: ApiKind, *, selector: str = "") -> AsyncIterator[Object]:
        """All objects of a kind in the cluster with these labels, page by page.

        Raises:
            Conflict: the list was so long that its beginning is no longer kept (410); begin again.
        """
        query = {"limit": str(PAGE)} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self._send("GET", resources.path(kind, None), query=query)
            for item in page["items"]:
                # The items of a list do not say what they are.
                yield {"apiVersion": kind.api_version, "kind": kind.kind} | item
            following = page["metadata"].get("continue")
            if not following:
                return
            query["continue"] = following

    async def apply(self, body: Object, namespace: str) -> Object:
        """Server-side apply of what we want of an object, taking over fields that others set; the object as it is now.

        With ``metadata.uid`` in `body` it is that very object or a Conflict.
        """
        name = body["metadata"]["name"]
        place = resources.path(resources.kind_of(body), namespace, name)
        query = {"fieldManager": resources.FIELD_OWNER, "force": "true"}
        return await self._send("PATCH", place, query=query, body=yaml.dump([body]), content=APPLY)

    async def delete(self, kind: ApiKind, namespace: str, name: str, *, uid: str) -> None:
        """Delete the object with this uid and, afterwards, what it owns; nothing happens where it is gone.

        Raises:
            Conflict: the object of that name is another one.
        """
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            await self._send("DELETE", resources.path(kind, namespace, name), body=body)
        except Missing:
            return

    async def patch_status(self, kind: ApiKind, namespace: str, name: str, *, uid: str, status: Object) -> Object:
        """Merge into the status of the object with this uid; null takes a field away."""
        place = resources.path(kind, namespace, name) + "/status"
        body = {"metadata": {"uid": uid}, "status": status}
        return await self._send("PATCH", place, query={"fieldManager": resources.FIELD_OWNER}, body=body, content=MERGE)

    async def create(self, body: Object, namespace: str) -> Object:
        """A new object; Conflict where one of the name is there."""
        return await self._send("POST", resources.path(resources.kind_of(body), namespace), body=body)

    async def replace(self, body: Object, namespace: str) -> Object:
        """A whole object anew; Conflict where its resourceVersion is no longer the last."""
        place = resources.path(resources.kind_of(body), namespace, body["metadata"]["name"])
        return await self._send("PUT", place, body=body)

    async def discover(self) -> Object:
        """What the server serves, as an APIGroupDiscoveryList without the core group."""
        return await self._send("GET", "/apis", accept=DISCOVERY)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> Object:
        url = f"{self._api.configuration.host}{path}" + (f"?{parse.urlencode(query)}" if query else "")
        for attempt in range(1, ATTEMPTS + 1):
            if method != "GET" and not self._fence():
                raise Fenced(f"{method} {path}: this replica does not lead any more")
            headers = {"Content-Type": content, "Accept": accept, "User-Agent": "patternapp-operator"}
            status, wait, data = await self._exchange(method, url, headers, body)
            self._metrics.count("patternapp_api_requests_total", {"method": method, "code": str(status)})
            if status < 300:
                result: Object = json.loads(data)
                return result
            if status != 429 or attempt == ATTEMPTS or wait > PATIENCE:
                raise _error(f"{method} {path}", status, data, wait)
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _exchange(self, method: str, url: str, headers: dict[str, str], body: Any) -> tuple[int, float, bytes]:
        """Status, seconds that the server asks to wait, and body of an answer."""
        path = parse.urlsplit(url).path
        try:
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            send: Any = self._api.rest_client.request
            response = await send(method, url, headers, body, _request_timeout=TIMEOUT)
            data: bytes = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._metrics.count("patternapp_api_requests_total", {"method": method, "code": "none"})
            raise Unavailable(f"{method} {path}", f"no answer: {error or type(error).__name__}", 0.0) from error
        return response.status, _seconds(response.headers.get("Retry-After", "")), data


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 1.0


def _error(request: str, code: int, data: bytes, wait: float) -> Rejected:
    try:
        answer = json.loads(data)
        message = str(answer["message"])
    except (ValueError, TypeError, KeyError):
        message = data.decode(errors="replace")
    if code in _ERRORS:
        return _ERRORS[code](request, message, wait)
    return Unavailable(request, f"{code} {message}", wait)
