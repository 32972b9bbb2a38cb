"""A18: what the operator's port tells, to whoever can reach it."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import harness
import pytest
from apiserver.operator.rig import APP, changed

if TYPE_CHECKING:
    from apiserver.operator.rig import Kubectl, Replica

PATHS = ("/livez", "/readyz", "/metrics")
WRITTEN = {
    "image": "registry.example.com/of-the-tenant:1",
    "env": [{"name": "OF_THE_TENANT", "value": "value-of-the-tenant"}],
    "delivery": {"deadLetter": {"uri": "https://of-the-tenant.example.com/"}},
}


def asked(operator: Replica, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", operator.port, timeout=harness.DEADLINE)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", PATHS)
def test_nothing_that_is_told_is_a_tenant_s(path: str, kubectl: Kubectl, operator: Replica) -> None:
    kubectl.apply(changed(**WRITTEN))
    harness.eventually(kubectl.settled)

    status, body = asked(operator, "GET", path)

    assert status == 200
    assert b"of-the-tenant" not in body.lower()
    assert b"OF_THE_TENANT" not in body
    assert kubectl.namespace.encode() not in body
    assert APP["metadata"]["name"].encode() not in body


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_can_write_to_it(method: str, path: str, operator: Replica) -> None:
    assert asked(operator, method, path, b"{}")[0] == 405


@pytest.mark.parametrize(
    "path", ["/", "/apps", "/debug/pprof", "/metrics/../livez", "/..%2f..%2fetc/passwd", "/config"]
)
def test_it_has_no_other_path(path: str, operator: Replica) -> None:
    assert asked(operator, "GET", path)[0] == 404


def test_a_request_without_an_end_is_no_other_s_delay(operator: Replica) -> None:
    waiting = [http.client.HTTPConnection("127.0.0.1", operator.port, timeout=harness.DEADLINE) for _ in range(50)]
    try:
        for connection in waiting:
            connection.connect()
            assert connection.sock is not None
            connection.sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ")

        assert asked(operator, "GET", "/livez")[0] == 200
    finally:
        for connection in waiting:
            connection.close()
