"""A client of an API server that shows what was really answered: statuses, warnings, bodies.

What holds here: nothing is retried and nothing is cached but which resources are served, so a test sees each request.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import http.client
import json
import ssl
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from patternapp.render import yaml as render_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MANAGER = "patternapp-test"
"""The field manager of everything that tests apply."""
_TIMEOUT = 30.0
_IDLE = 60.0
"""Seconds after which a connection is made anew: the server hangs up on one that is idle for longer."""
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said.

    Attributes:
        status: The HTTP status.
        body: The JSON body, or the text where it is no JSON.
        warnings: The server's warnings to whoever wrote.
    """

    status: int
    body: Any
    warnings: tuple[str, ...]

    @property
    def refusal(self) -> str | None:
        """Why the server refused, None where it did not."""
        return None if self.status < 300 else str(self.body["message"] if isinstance(self.body, dict) else self.body)

    def object(self) -> dict[str, Any]:
        """The body of an answer that has to be a success."""
        assert self.refusal is None, f"{self.status}: {self.refusal}"
        found: dict[str, Any] = self.body
        return found


@dataclass(frozen=True, slots=True)
class Access:
    """How a server is reached, as a kubeconfig says it."""

    url: str
    context: ssl.SSLContext
    token: str | None = None

    @property
    def host(self) -> str:
        """The host's name or address."""
        return urllib.parse.urlsplit(self.url).hostname or ""

    @property
    def location(self) -> tuple[str, int | None]:
        """The host and the port."""
        return self.host, urllib.parse.urlsplit(self.url).port


def access(kubeconfig: Path) -> Access:
    """The access of a kubeconfig's current context: by a token or a client certificate."""
    config = yaml.safe_load(kubeconfig.read_text())
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    trust = ssl.create_default_context()
    with contextlib.ExitStack() as stack:
        trust.load_verify_locations(stack.enter_context(_file(cluster, "certificate-authority")))
        if {"client-certificate", "client-certificate-data"} & user.keys():
            certificate = stack.enter_context(_file(user, "client-certificate"))
            trust.load_cert_chain(certificate, stack.enter_context(_file(user, "client-key")))
    return Access(cluster["server"], trust, user.get("token"))


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


@contextlib.contextmanager
def _file(entry: Mapping[str, str], field: str) -> Iterator[str]:
    """The file that a field of a kubeconfig names, or one with the data that it holds."""
    if field in entry:
        yield entry[field]
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(base64.b64decode(entry[f"{field}-data"]))
        file.flush()
        yield file.name


def is_ready(access: Access) -> bool:
    """Whether the server says so; it may not be there yet."""
    server = Api(access)
    try:
        return server.get("/readyz").status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        server.close()


class Api:
    """Requests as the user of the access, or as another whom that user impersonates."""

    def __init__(self, access: Access, *, user: str | None = None) -> None:
        self.access = access
        self._headers = {"Accept": "application/json"}
        if access.token is not None:
            self._headers["Authorization"] = f"Bearer {access.token}"
        if user is not None:
            self._headers["Impersonate-User"] = user
        self._connection = http.client.HTTPSConnection(*access.location, context=access.context, timeout=_TIMEOUT)
        self._used = time.monotonic()
        self._served: dict[str, list[dict[str, Any]]] = {}

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def request(
        self, method: str, path: str, body: Any = None, *, query: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; a `body` that is not bytes is sent as JSON."""
        data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        sent = {**self._headers, "Content-Type": "application/json", **(headers or {})}
        if time.monotonic() - self._used > _IDLE:
            self._connection.close()
        self._connection.request(method, f"{path}?{query}" if query else path, data, sent)
        response = self._connection.getresponse()
        self._used = time.monotonic()
        text = response.read().decode()
        kind = response.headers.get_content_type()
        return Answer(
            response.status,
            json.loads(text) if kind == "application/json" else text,
            tuple(response.headers.get_all("Warning", ())),
        )

    def get(self, path: str) -> Answer:
        """Read."""
        return self.request("GET", path)

    def create(self, item: Mapping[str, Any], *, namespace: str = "") -> Answer:
        """Create an object, with unknown fields refused."""
        path = self.collection(item["apiVersion"], item["kind"], namespace)
        return self.request("POST", path, item, query=f"fieldManager={MANAGER}&fieldValidation=Strict")

    def apply(self, item: Mapping[str, Any], *, namespace: str = "") -> Answer:
        """Apply an object on the server's side, with unknown fields refused."""
        return self._apply(item, namespace, "")

    def judge(self, item: Mapping[str, Any], *, namespace: str = "") -> Answer:
        """What the server would say of an object that is applied; nothing is kept."""
        return self._apply(item, namespace, "&dryRun=All")

    def _apply(self, item: Mapping[str, Any], namespace: str, more: str) -> Answer:
        path = self.path(item, namespace)
        query = f"fieldManager={MANAGER}&force=true&fieldValidation=Strict{more}"
        # The server reads it as YAML, which knows neither JSON's surrogate pairs nor its bare control characters.
        text = render_yaml.dump([item]).encode()
        return self.request("PATCH", path, text, query=query, headers={"Content-Type": _APPLY})

    def merge(self, path: str, patch: Any) -> Answer:
        """Change fields of an object."""
        return self.request("PATCH", path, patch, headers={"Content-Type": _MERGE})

    def delete(self, path: str) -> Answer:
        """Delete an object, or all of a collection."""
        return self.request("DELETE", path)

    def path(self, item: Mapping[str, Any], namespace: str = "") -> str:
        """Where an object is."""
        return f"{self.collection(item['apiVersion'], item['kind'], namespace)}/{item['metadata']['name']}"

    def collection(self, version: str, kind: str, namespace: str = "") -> str:
        """Where the objects of a kind are; `namespace` counts where the kind has one."""
        resource = next((one for one in self.resources(version) if one["kind"] == kind), None)
        assert resource is not None, f"the server has no {kind} in {version}"
        place = f"/namespaces/{namespace}" if resource["namespaced"] and namespace else ""
        return f"{root(version)}{place}/{resource['name']}"

    def serves(self, version: str, kind: str) -> bool:
        """Whether there is such a kind."""
        return any(one["kind"] == kind for one in self.resources(version))

    def resources(self, version: str) -> list[dict[str, Any]]:
        """The resources of an API version, without subresources; none where the version is not served."""
        if version not in self._served:
            answer = self.get(root(version))
            listed = answer.body["resources"] if answer.status == http.HTTPStatus.OK else []
            if not listed:
                return []
            self._served[version] = [one for one in listed if "/" not in one["name"]]
        return self._served[version]

    def forget(self, version: str) -> None:
        """Ask again which kinds there are: definitions of this version came or went."""
        self._served.pop(version, None)

    def collections(self, namespace: str) -> Iterator[str]:
        """Where objects of a namespace can be, each kind once, as far as a collection can be deleted."""
        groups = self.get("/apis").object()["groups"]
        served = ["v1", *(version["groupVersion"] for group in groups for version in group["versions"])]
        seen = set()
        for version in served:
            for resource in self.resources(version):
                known = (version.rpartition("/")[0], resource["name"])
                if resource["namespaced"] and "deletecollection" in resource["verbs"] and known not in seen:
                    seen.add(known)
                    yield f"{root(version)}/namespaces/{namespace}/{resource['name']}"

    def token(self, namespace: str, account: str) -> str:
        """A token of a ServiceAccount."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token: str = self.request("POST", path, request).object()["status"]["token"]
        return token

    def with_token(self, token: str) -> Api:
        """A client of the same server for the holder of a token."""
        return Api(dataclasses.replace(self.access, token=token))


def root(version: str) -> str:
    """The path of an API version."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
