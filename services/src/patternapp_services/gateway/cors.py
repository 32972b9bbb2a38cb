"""CORS as the Fetch standard has it (https://fetch.spec.whatwg.org/#http-cors-protocol): who may read an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patternapp_services import wire

ANY = "*"
_OWNED = b"access-control-"
_PREFLIGHT_VARY = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """Which web pages may call.

    Attributes:
        origins: Origins such as ``https://shop.example.com``, or ``*`` for all.
        headers: Request headers that a page may set.
        credentials: Whether cookies and credentials come along; never together with ``*``.
        max_age: How long a browser remembers a preflight, seconds.
    """

    origins: tuple[str, ...]
    headers: tuple[str, ...] = ("authorization", "content-type")
    credentials: bool = False
    max_age: float = 600.0

    def __post_init__(self) -> None:
        if self.credentials and ANY in self.origins:
            raise ValueError("CORS with credentials needs its origins named: browsers refuse * together with them")

    def preflight(self, origin: bytes, methods: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
        """The headers that answer a preflight for a path with these methods; to a stranger they grant nothing."""
        granted = self._grant(origin)
        if not granted:
            return [(b"vary", _PREFLIGHT_VARY)]
        return [
            *granted,
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            (b"access-control-allow-headers", ", ".join(self.headers).encode()),
            (b"access-control-max-age", b"%d" % self.max_age),
            (b"vary", _PREFLIGHT_VARY),
        ]

    def wrap(self, origin: bytes | None, send: wire.Send) -> wire.Send:
        """A `send` whose answers carry these rules, and not those of whoever answered."""
        granted = self._grant(origin) if origin is not None else []
        # Without Vary a shared cache would hand one origin's answer to another; with * all answers are alike.
        added = granted if ANY in self.origins else [*granted, (b"vary", b"Origin")]

        async def with_cors(message: wire.Message) -> None:
            if message["type"] == "http.response.start":
                kept = [item for item in message.get("headers", ()) if not item[0].startswith(_OWNED)]
                message = {**message, "headers": [*kept, *added]}
            await send(message)

        return with_cors

    def _grant(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        if ANY in self.origins:
            return [(b"access-control-allow-origin", b"*")]
        if origin.decode("latin-1") not in self.origins:
            return []
        granted = [(b"access-control-allow-origin", origin)]
        if self.credentials:
            granted.append((b"access-control-allow-credentials", b"true"))
        return granted
