"""Questions to an API server: reads, and writes that are only tried.

What holds here:

* Nothing is ever changed: every request that could is sent with ``dryRun=All``.
* Objects are plain data. Every request has a time limit, and a server that does not answer is told as what a user can
  mend.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any
from urllib import parse

import aiohttp

from patternapp import errors
from patternapp.cluster import failures, resources
from patternapp.render import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubernetes.aio import client

    from patternapp.cluster.resources import ApiKind, Object

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
AT_ONCE = 8
"""Requests at a time; an API server's fair queues think the more of those who ask for less."""
ATTEMPTS = 5
PATIENCE = 10.0
"""Seconds that a request waits at most when the server asks it to; one does that whose kinds are just being made."""
PAGE = "500"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
APPLY = "application/apply-patch+yaml; charset=utf-8"
"""The server drops the charset; with it the client sends text as it is and does not write JSON itself: the server reads
YAML, which knows neither JSON's surrogate pairs nor its bare control characters."""
PATCH = "application/json-patch+json"
JSON = "application/json"
TRIED = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": resources.FIELD_OWNER}


class Client:
    """Questions to one API server, as one user."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        """Questions over `api`; `namespace` is the one that the user means where none is named."""
        self._api = api
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.namespace = namespace

    @property
    def host(self) -> str:
        """The server's address."""
        return str(self._api.configuration.host)

    async def discover(self) -> Object:
        """What the server serves, as an APIGroupDiscoveryList without the core group."""
        return await self._ask("GET", "/apis", accept=DISCOVERY)

    async def get(self, kind: ApiKind, namespace: str, name: str) -> Object | None:
        """One object; None where there is none."""
        try:
            return await self._ask("GET", resources.path(kind, namespace, name))
        except failures.Missing:
            return None

    async def listed(self, kind: ApiKind, namespace: str, *, selector: str = "") -> list[Object]:
        """The objects of a kind in a namespace with these labels."""
        found: list[Object] = []
        query = {"limit": PAGE} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self._ask("GET", resources.path(kind, namespace), query=query)
            # The items of a list do not say what they are.
            found += [{"apiVersion": kind.api_version, "kind": kind.kind} | item for item in page["items"]]
            if not page["metadata"].get("continue"):
                return found
            query["continue"] = page["metadata"]["continue"]

    async def try_apply(self, body: Object, namespace: str, *, force: bool) -> Object:
        """The object as it would be after a server-side apply by the operator.

        Raises:
            failures.Conflict: without `force`, others have fields that would change; `causes` names them.
        """
        place = resources.path(resources.kind_of(body), namespace, body["metadata"]["name"])
        query = TRIED | ({"force": "true"} if force else {})
        return await self._ask("PATCH", place, query=query, body=yaml.dump([body]), content=APPLY)

    async def try_create(self, body: Object, namespace: str) -> Object:
        """The object as it would be if it were made."""
        return await self._ask("POST", resources.path(resources.kind_of(body), namespace), query=TRIED, body=body)

    async def try_put(self, kind: ApiKind, namespace: str, name: str, parts: Mapping[str, Any]) -> Object:
        """The object as it would be with other values at these JSON pointers, each as a whole."""
        body = [{"op": "add", "path": pointer, "value": value} for pointer, value in parts.items()]
        return await self._ask("PATCH", resources.path(kind, namespace, name), query=TRIED, body=body, content=PATCH)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content: str = JSON,
        accept: str = JSON,
    ) -> Object:
        url = f"{self.host}{path}" + (f"?{parse.urlencode(query)}" if query else "")
        headers = {"Content-Type": content, "Accept": accept, "User-Agent": "patternapp"}
        for _ in range(ATTEMPTS):
            async with self._slots:
                status, wait, data = await self._exchange(method, url, headers, body)
            if status != 429 or wait > PATIENCE:
                break
            await asyncio.sleep(wait)
        if status == 401:
            raise errors.EnvironmentProblem(
                f"the API server {self.host} does not know you (401); log in again: your certificate or token ran out"
            )
        if status >= 300:
            raise failures.of_answer(f"{method} {path}", status, data)
        try:
            result: Object = json.loads(data)
        except ValueError as error:
            raise errors.EnvironmentProblem(
                f"what answers at {self.host} is no API server; look at the server in your kubeconfig"
            ) from error
        return result

    async def _exchange(self, method: str, url: str, headers: dict[str, str], body: Any) -> tuple[int, float, bytes]:
        """Status, seconds that the server asks to wait, and body of an answer."""
        try:
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], parse.urlsplit(url).path, method, body)
            send: Any = self._api.rest_client.request
            response = await send(method, url, headers, body, _request_timeout=TIMEOUT)
            asked = response.headers.get("Retry-After", "")
            return response.status, float(asked) if asked.isdecimal() else 1.0, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise errors.EnvironmentProblem(f"the API server {self.host} {_why(error)}") from error


def _why(error: BaseException) -> str:
    """Why there is no answer, and the mend."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
            return f"shows a certificate that is not trusted: {reason}; renew it, or the authority in your kubeconfig"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int() as number)) if number > 0:
            reason = os.strerror(number)
        case _:
            reason = str(error) or "nothing answered in time"
    return f"cannot be reached: {reason}; start it, or name another one with --context or --kubeconfig"
