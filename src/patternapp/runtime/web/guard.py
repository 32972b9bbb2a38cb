"""Who may use the control API: this machine's user, not a web page that the user happens to look at.

What holds here:

* The Host header must name this machine, or a page could reach us under its own name (DNS rebinding).
* A request with a foreign Origin is refused, or a page could post events (cross-site request forgery).
* Writes below ``/api`` want the token from the data folder, which only this user can read.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """The rules for one port and one token."""

    def __init__(self, *, port: int, token: str) -> None:
        self._hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._bearer = f"Bearer {token}".encode()

    def refusal(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> tuple[int, str] | None:
        """The status and the reason to refuse a request to our own endpoints, None to let it through."""
        host = headers.get(b"host", b"").decode("latin-1")
        if host not in self._hosts:
            return 403, f"the Host header {host!r} is not this machine; use http://127.0.0.1 and the port"
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1") not in self._origins:
            return 403, "requests from other web pages are refused"
        if path.startswith("/api") and method not in _SAFE:
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, self._bearer):
                return 401, "writes want the header `Authorization: Bearer TOKEN`; the token is in the data folder"
        return None
