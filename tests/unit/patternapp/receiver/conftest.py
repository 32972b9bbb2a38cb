"""A receiver called as an ASGI server calls it, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from patternapp import cloudevents
from patternapp.cloudevents import Event

if TYPE_CHECKING:
    from patternapp.receiver import Receiver

Headers = list[tuple[bytes, bytes]]
Encode = Callable[[Any], tuple[list[tuple[str, str]], bytes]]


@dataclass(frozen=True, kw_only=True)
class Response:
    """What the application answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def detail(self) -> str:
        assert self.headers["content-type"] == "application/problem+json"
        return str(json.loads(self.body)["detail"])

    @property
    def failures(self) -> list[dict[str, Any]]:
        return list(json.loads(self.body)["failures"])


def event_of(type_: str, data: bytes | None = b"{}", **attributes: str) -> Event[bytes | None]:
    """An event with JSON data."""
    context = {"id": "1", "source": "/test", "specversion": "1.0", "datacontenttype": "application/json"}
    return Event({**context, "type": type_, **attributes}, data)


@dataclass(frozen=True)
class Caller:
    """Calls a receiver."""

    app: Receiver

    def request(
        self,
        path: str = "/",
        body: bytes = b"",
        *,
        method: str = "POST",
        headers: Headers | None = None,
        root: str = "",
    ) -> Response:
        """One HTTP request, the body in two pieces."""
        middle = len(body) // 2
        messages = [
            {"type": "http.request", "body": body[:middle], "more_body": True},
            {"type": "http.request", "body": body[middle:], "more_body": False},
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": root,
            "query_string": b"",
            "headers": headers or [],
            "scheme": "http",
            "server": ("test", 80),
        }
        asyncio.run(self.app(scope, receive, send))
        start, *bodies = sent
        return Response(
            status=start["status"],
            headers={name.decode(): value.decode() for name, value in start["headers"]},
            body=b"".join(message.get("body", b"") for message in bodies),
        )

    def deliver(self, event: Event[bytes | None], *, encode: Encode = cloudevents.encode_binary) -> Response:
        """POST the event."""
        return self._post(encode(event))

    def deliver_batch(self, *events: Event[bytes | None]) -> Response:
        """POST the events together."""
        return self._post(cloudevents.encode_batch(events))

    def _post(self, message: tuple[list[tuple[str, str]], bytes]) -> Response:
        headers, body = message
        return self.request(body=body, headers=[(name.encode(), value.encode()) for name, value in headers])


@pytest.fixture
def caller() -> type[Caller]:
    return Caller


@pytest.fixture
def event() -> Callable[..., Event[bytes | None]]:
    return event_of
