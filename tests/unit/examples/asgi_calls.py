"""Requests and events straight into an ASGI app, with no server between."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Answer:
    """What an app answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def request(
    app: ASGIApp, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Answer:
    sent: list[MutableMapping[str, Any]] = []
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(message.get("body", b"") for message in rest),
    )


def event(type_: str, data: object, **attributes: str) -> dict[str, Any]:
    """A CloudEvent as JSON; the attributes given win over those that every test's event has."""
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "/tests",
        "type": type_,
        "time": "2026-11-23T12:00:00Z",
        "datacontenttype": "application/json",
        "data": data,
        **attributes,
    }


async def deliver(app: ASGIApp, one: dict[str, Any]) -> Answer:
    return await request(
        app, "POST", "/", json.dumps(one).encode(), {"content-type": "application/cloudevents+json; charset=utf-8"}
    )


async def deliver_batch(app: ASGIApp, many: list[dict[str, Any]]) -> Answer:
    return await request(
        app, "POST", "/", json.dumps(many).encode(), {"content-type": "application/cloudevents-batch+json"}
    )
