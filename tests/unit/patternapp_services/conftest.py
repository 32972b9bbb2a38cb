"""Servers on the loopback, ASGI calls without one, and a Broker that keeps what it is given in a list."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import loopback
import pytest

from patternapp import errors

if TYPE_CHECKING:
    from patternapp.cloudevents import Event


@dataclasses.dataclass
class Published:
    """A `Publish` for tests; `refuse` makes it a store that is full."""

    events: list[Event[bytes | None]] = dataclasses.field(default_factory=list)
    refuse: bool = False

    async def __call__(self, event: Event[bytes | None], *, bookmark: tuple[str, str | None] | None = None) -> int:
        assert bookmark is None
        if self.refuse:
            raise errors.StoreError("the disk is full")
        self.events.append(event)
        return len(self.events)


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.fixture
def serve() -> Any:
    """Serves an ASGI app; gives its URL."""

    return loopback.served


@pytest.fixture
def call() -> Any:
    """Calls an ASGI app with one request; `body` may be pieces."""

    async def calling(
        app: Any,
        method: str,
        target: str,
        *,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        body: bytes | list[bytes] = b"",
    ) -> Answer:
        path, _, query = target.partition("?")
        pairs = list(headers.items()) if isinstance(headers, dict) else headers or []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in pairs],
            "client": ("192.0.2.7", 50000),
            "scheme": "https",
        }
        pieces = body if isinstance(body, list) else [body]
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": index < len(pieces)}
            for index, piece in enumerate(pieces, 1)
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await app(scope, receive, send)
        start, *rest = sent
        return Answer(start["status"], list(start["headers"]), b"".join(message.get("body", b"") for message in rest))

    return calling
