"""HTTP to what runs in the cluster: a Service by its ClusterIP, a Knative Service through the ingress by its host."""

from __future__ import annotations

import http.client
import json
import urllib.parse
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from collections.abc import Mapping

WITHIN = 120.0
"""Seconds for an answer: a Pod may have to start first."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where something answers.

    Attributes:
        url: What is connected to.
        host: The name it is called by, where that differs.
    """

    url: str
    host: str | None = None

    def call(
        self, method: str, path: str = "", data: Any = None, headers: Mapping[str, str] | None = None
    ) -> harness.Answer:
        """One request; `data` that is not bytes is sent as JSON."""
        parts = urllib.parse.urlsplit(self.url)
        body = data if data is None or isinstance(data, bytes) else json.dumps(data).encode()
        named = {"host": self.host} if self.host else {}
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WITHIN)
        try:
            typed = {"content-type": "application/json"} if body is not None else {}
            connection.request(method, parts.path + path, body, {**typed, **named, **(headers or {})})
            answer = connection.getresponse()
            return harness.Answer(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def send(self, kind: str, data: Any = None, *, id_: str | None = None, **extensions: str) -> harness.Answer:
        """An event in the binary mode; its source is `/e2e`, its id one of its own where none is given."""
        attributes = {"specversion": "1.0", "id": id_ or uuid.uuid4().hex, "source": "/e2e", "type": kind, **extensions}
        return self.call("POST", data=data, headers={f"ce-{name}": value for name, value in attributes.items()})
