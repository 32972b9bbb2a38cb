"""Who may use the control API, as a table of requests."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from patternapp.runtime.web.guard import Guard

TOKEN = "s3cret"  # noqa: S105 - a test's own
BEARER = {b"authorization": b"Bearer s3cret"}
HOST = "the Host header {!r} is not this machine; use http://127.0.0.1 and the port"
ORIGIN = "requests from other web pages are refused"
WRITE = "writes want the header `Authorization: Bearer TOKEN`; the token is in the data folder"


@dataclass(frozen=True)
class Case:
    reason: str
    want: tuple[int, str] | None = None
    method: str = "GET"
    path: str = "/api/ledger"
    host: bytes | None = b"127.0.0.1:8700"
    headers: dict[bytes, bytes] = field(default_factory=dict)


CASES = [
    Case("this machine by number"),
    Case("this machine by name", host=b"localhost:8700"),
    Case("this machine by its other number", host=b"[::1]:8700"),
    Case("a page's own name, rebound to us", (403, HOST.format("evil.example:8700")), host=b"evil.example:8700"),
    Case("a name that begins as ours", (403, HOST.format("localhost.evil.example")), host=b"localhost.evil.example"),
    Case("another port", (403, HOST.format("127.0.0.1:80")), host=b"127.0.0.1:80"),
    Case("no port", (403, HOST.format("127.0.0.1")), host=b"127.0.0.1"),
    Case("no host", (403, HOST.format("")), host=None),
    Case("a host that is not ASCII", (403, HOST.format("\xff")), host=b"\xff"),
    Case("our own page", headers={b"origin": b"http://localhost:8700"}),
    Case("another page", (403, ORIGIN), headers={b"origin": b"https://evil.example"}),
    Case("a page without an origin of its own", (403, ORIGIN), headers={b"origin": b"null"}),
    Case("our page over another scheme", (403, ORIGIN), headers={b"origin": b"https://localhost:8700"}),
    Case("a page of another port", (403, ORIGIN), headers={b"origin": b"http://localhost:3000"}),
    Case("another page with the token", (403, ORIGIN), "POST", headers={**BEARER, b"origin": b"http://evil.example"}),
    Case("a write with the token", method="POST", headers=BEARER),
    Case("a write without it", (401, WRITE), "POST"),
    Case("a write with another", (401, WRITE), "POST", headers={b"authorization": b"Bearer wrong"}),
    Case("a write with the token's beginning", (401, WRITE), "POST", headers={b"authorization": b"Bearer s3c"}),
    Case("a write with the token alone", (401, WRITE), "POST", headers={b"authorization": b"s3cret"}),
    Case("a write with bytes that are not ASCII", (401, WRITE), "POST", headers={b"authorization": b"Bearer \xff"}),
    Case("a deletion", (401, WRITE), "DELETE"),
    Case("a method nobody knows", (401, WRITE), "FROB"),
    Case("a question about a resource", method="HEAD"),
    Case("a question about methods", method="OPTIONS"),
    Case("an event needs no token", method="POST", path="/events"),
    Case("an object needs no token", method="PUT", path="/s3/uploads/a.png"),
    Case("an event of another page", (403, ORIGIN), "POST", "/events", headers={b"origin": b"https://evil.example"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_a_request_is_let_through_or_refused_with_a_reason(case: Case) -> None:
    headers = dict(case.headers) if case.host is None else {b"host": case.host, **case.headers}

    assert Guard(port=8700, token=TOKEN).refusal(case.method, case.path, headers) == case.want
