"""The API server: the only place that sends requests to it.

What holds here:

* Objects are plain data both ways, sent through the official client's connection, credentials and TLS; its typed models
  are never used (they cost several times the request).
* Every request has a time limit. 429 is waited out as the server says, up to `PATIENCE`; everything else is told.
* Nothing is written unless this process may, and a write takes no longer than it may.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any
from urllib import parse

import aiohttp

from patternapp.cluster import failures, resources
from patternapp.cluster.failures import Fenced, Missing, Unavailable
from patternapp.render import yaml
from patternapp_operator import metrics, tracing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from kubernetes.aio import client

    from patternapp.cluster.resources import ApiKind, Object
    from patternapp_operator.metrics import Metrics
    from patternapp_operator.tracing import Tracing

TIMEOUT = 30.0
"""Seconds that a request may take."""
CONNECT = 5.0
"""Of these, seconds until there is a connection."""
PATIENCE = 10.0
"""Seconds that a request waits at most when the server asks it to."""
ATTEMPTS = 3
PAGE = 500
APPLY = "application/apply-patch+yaml; charset=utf-8"
"""The server drops the charset; with it the client sends text as it is and does not write JSON itself: the server reads
YAML, which knows neither JSON's surrogate pairs nor its bare control characters."""
MERGE = "application/merge-patch+json"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Cluster:
    """Requests to one API server."""

    def __init__(
        self,
        api: client.ApiClient,
        metrics: Metrics,
        *,
        left: Callable[[], float] = lambda: TIMEOUT,
        tracing: Tracing = tracing.OFF,
    ) -> None:
        """Requests over `api`; `left` are the seconds for which this process may write, 0 where it may not."""
        self._api = api
        self._metrics = metrics
        self._left = left
        self._tracing = tracing

    async def get(self, kind: ApiKind, namespace: str, name: str) -> Object | None:
        """One object; None where there is none."""
        try:
            return await self._send("GET", resources.path(kind, namespace, name))
        except Missing:
            return None

    async def list(self, kind: ApiKind, *, namespace: str | None = None, selector: str = "") -> AsyncIterator[Object]:
        """All objects of a kind with these labels, in the cluster or in a namespace, page by page.

        Raises:
            Conflict: the list was so long that its beginning is no longer kept (410); begin again.
        """
        query = {"limit": str(PAGE)} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self._send("GET", resources.path(kind, namespace), query=query)
            for item in page["items"]:
                # The items of a list do not say what they are.
                yield {"apiVersion": kind.api_version, "kind": kind.kind} | item
            following = page["metadata"].get("continue")
            if not following:
                return
            query["continue"] = following

    async def apply(self, body: Object, namespace: str) -> Object:
        """Server-side apply of what we want of an object; the object as it is now.

        With ``metadata.uid`` in `body` it is that very object or a Conflict, and fields that others set are taken over.
        Without, no field of others is: where somebody was first and set one of the same fields, it is a Conflict.
        """
        name = body["metadata"]["name"]
        place = resources.path(resources.kind_of(body), namespace, name)
        force = "true" if "uid" in body["metadata"] else "false"
        query = {"fieldManager": resources.FIELD_OWNER, "force": force}
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
            patience = TIMEOUT if method == "GET" else min(TIMEOUT, self._left())
            if patience <= 0:
                raise Fenced(f"{method} {path}: this replica does not lead any more")
            headers = {"Content-Type": content, "Accept": accept, "User-Agent": "patternapp-operator"}
            began = time.perf_counter()
            with self._tracing.request(method, path, headers) as span:
                status, wait, data = await self._exchange(method, url, headers, body, patience)
                span.set_attribute("http.response.status_code", status)
            self._metrics.requests.labels(method, str(status)).inc()
            self._metrics.request_seconds.labels(method).observe(time.perf_counter() - began)
            if status < 300:
                result: Object = json.loads(data)
                return result
            if status != 429 or attempt == ATTEMPTS or wait > PATIENCE:
                raise failures.of_answer(f"{method} {path}", status, data, wait)
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _exchange(
        self, method: str, url: str, headers: dict[str, str], body: Any, patience: float
    ) -> tuple[int, float, bytes]:
        """Status, seconds that the server asks to wait, and body of an answer."""
        path = parse.urlsplit(url).path
        try:
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            send: Any = self._api.rest_client.request
            limit = aiohttp.ClientTimeout(total=patience, connect=CONNECT)
            response = await send(method, url, headers, body, _request_timeout=limit)
            data: bytes = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._metrics.requests.labels(method, metrics.NO_ANSWER).inc()
            raise Unavailable(f"{method} {path}", f"no answer: {str(error) or type(error).__name__}", 0.0) from error
        return response.status, _seconds(response.headers.get("Retry-After", "")), data


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 1.0
