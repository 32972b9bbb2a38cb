"""What is not sound HTTP/1.1 (RFC 9112) is refused and the connection ended, and no handler ever sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from receiver import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = b"Host: test\r\n"
LENGTH = b"Content-Length: 2\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(headers: bytes, body: bytes = b"{}", *, line: bytes = b"POST / HTTP/1.1\r\n", host: bytes = HOST) -> bytes:
    return line + host + serving.CONTEXT + headers + b"\r\n" + body


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Served]:
    folder = tmp_path_factory.mktemp("bad-http")
    with serving.serving(folder) as running:
        yield running
        assert running.handled == 0


@pytest.mark.parametrize(
    ("status", "says", "request_"),
    [
        (400, "one Host", post(LENGTH, host=b"")),
        (400, "one Host", post(LENGTH, host=HOST + HOST)),
        (400, "Content-Length", post(LENGTH + CHUNKED, b"2\r\n{}\r\n0\r\n\r\n")),
        (400, "Content-Length", post(CHUNKED + LENGTH, b"2\r\n{}\r\n0\r\n\r\n")),
        (400, "Content-Length", post(LENGTH + LENGTH)),
        (400, "Content-Length", post(b"Content-Length: 2, 2\r\n")),
        (400, "Content-Length", post(b"Content-Length: -2\r\n")),
        (400, "Content-Length", post(b"Content-Length: +2\r\n")),
        (400, "Content-Length", post(b"Content-Length:\r\n")),
        (400, "Content-Length", post(b"Content-Length: 0x2\r\n")),
        (400, "Content-Length", post(b"Content-Length: 99999999999999999999999\r\n")),
        (501, "transfer-encoding", post(b"Transfer-Encoding: gzip\r\n")),
        (501, "transfer-encoding", post(b"Transfer-Encoding: gzip, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n")),
        (501, "transfer-encoding", post(b"Transfer-Encoding: xchunked\r\n", b"2\r\n{}\r\n0\r\n\r\n")),
        (400, "Transfer-Encoding", post(b"Transfer-Encoding: chunked, gzip\r\n", b"2\r\n{}\r\n0\r\n\r\n")),
        (400, "Transfer-Encoding", post(CHUNKED + b"Transfer-Encoding: identity\r\n", b"2\r\n{}\r\n0\r\n\r\n")),
        (400, "header field", post(b"Transfer-Encoding : chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n")),
        (400, "HTTP/1.0", post(CHUNKED, b"2\r\n{}\r\n0\r\n\r\n", line=b"POST / HTTP/1.0\r\n")),
        (400, "whitespace", post(b"ce-a: 1\r\n 2\r\n" + LENGTH)),
        (400, "CR", post(b"ce-a: 1\n" + LENGTH)),
        (400, "LF", post(b"ce-a: 1\rce-b: 2\r\n" + LENGTH)),
        (400, "header value", post(b"ce-a: \x00\r\n" + LENGTH)),
        (400, "CRLF", post(LENGTH, line=b"POST / HTTP/1.1\n")),
        (505, "HTTP/2.0", post(LENGTH, line=b"POST / HTTP/2.0\r\n")),
        (400, "version", post(LENGTH, line=b"POST / HTTP/1.9\r\n")),
        (400, "method", post(LENGTH, line=b"SEND / HTTP/1.1\r\n")),
        (501, "no proxy", post(b"", b"", line=b"CONNECT test:80 HTTP/1.1\r\n")),
        (400, "url", post(LENGTH, line=b"POST /\xff HTTP/1.1\r\n")),
        (400, "PRI", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (400, "method", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        (400, "chunk size", post(CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n")),
        (400, "chunk size", post(CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n")),
        (400, "chunk size", post(CHUNKED, b"2\n{}\r\n0\r\n\r\n")),
        (400, "overflow", post(CHUNKED, b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
        (400, "chunk data", post(CHUNKED, b"1\r\n{}\r\n0\r\n\r\n")),
        (400, "id: is missing", post(CHUNKED, b"2\r\n{}\r\n0\r\nce-id: 1\r\n\r\n").replace(b"ce-id: 1\r\n", b"", 1)),
    ],
)
def test_a_message_that_is_not_sound_is_refused_with_a_reason(
    served: serving.Served, status: int, says: str, request_: bytes
) -> None:
    said = served.say(request_, b"GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")

    first, *others = serving.statuses(said)
    assert first == status
    assert says in said.decode()
    # Only a request that was read to its end can be followed by another: here the one with the trailer.
    assert others == ([200] if "missing" in says else [])
