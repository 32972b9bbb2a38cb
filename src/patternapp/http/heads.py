"""The head of a request: whether it is sound, and what ASGI's applications read of it.

What holds here: two servers that read one head could not see two requests in it (RFC 9112 11.2).
"""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Any

import httptools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    Headers = Sequence[tuple[bytes, bytes]]

_VERSIONS = ("1.1", "1.0")


class Refused(Exception):  # noqa: N818 - the client's fault, and told to it
    """What a client sent is not taken."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


def size(headers: Headers) -> int:
    """The bytes that headers took on the wire."""
    return sum(len(name) + len(value) + 4 for name, value in headers)


def check(headers: Headers, version: str, *, most: int) -> None:
    """Hold the headers to RFC 9112.

    Args:
        headers: All of them, with lower-case names.
        version: Of HTTP, such as 1.1.
        most: How many there may be.

    Raises:
        Refused: They leave open where the request ends or whom it is for, or are too many.
    """
    if len(headers) > most:
        raise Refused(431, f"there are over {most} headers")
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if version not in _VERSIONS:
        raise Refused(505, f"HTTP/{version} is not spoken here")
    # RFC 9112 3.2: an HTTP/1.1 request has one Host.
    if hosts > 1 or (not hosts and version != "1.0"):
        raise Refused(400, "there must be one Host header")
    if b"transfer-encoding" not in names:
        return
    if [value.strip().lower() for name, value in headers if name == b"transfer-encoding"] != [b"chunked"]:
        raise Refused(501, "no transfer-encoding but chunked is known here")
    # RFC 9112 6.1: HTTP/1.0 has no transfer codings, so somebody on the way may have framed it differently.
    if version == "1.0":
        raise Refused(400, "HTTP/1.0 has no transfer-encoding")


def scope(connection: HttpToolsProtocol) -> Any:
    """What ASGI says about the request whose head a connection has read; raises what a target that is none raises."""
    path, query = b"/", b""
    if connection.url != b"/":
        url = httptools.parse_url(connection.url)
        path, query = url.path, url.query or b""
    text = path.decode("ascii")
    return {
        "type": "http",
        "asgi": {"version": connection.asgi_version, "spec_version": "2.3"},
        "http_version": connection.parser.get_http_version(),
        "server": connection.server,
        "client": connection.client,
        "scheme": connection.scheme,
        "method": connection.parser.get_method().decode("ascii"),
        "root_path": "",
        "path": urllib.parse.unquote(text) if "%" in text else text,
        "raw_path": path,
        "query_string": query,
        "headers": connection.headers,
        "state": connection.app_state.copy(),
    }
