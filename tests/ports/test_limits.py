"""On no port of ours does a client get more of a server than its limits: `dev`'s, and those of the services.

What the limits are for a function, and all that they refuse, is in tests/receiver.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import harness
import pytest
from receiver import serving
from services.programs import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

SHORT = {f"PATTERNAPP_{what}_TIMEOUT": "1" for what in ("HEAD", "BODY", "IDLE")} | {"PATTERNAPP_CONNECTIONS": "30"}
MIB = 1024 * 1024
NOBODY = {"uri": "http://127.0.0.1:1"}


@contextlib.contextmanager
def dev(folder: Path) -> Iterator[serving.Port]:
    running = harness.Dev(folder)
    spec = """
        functions: [{name: mail, command: ["false"]}]
        gateway: {routes: [{name: all, path: /, methods: [POST], publish: {type: test.all}}]}
        fanOut: [{name: all, subscribers: [{name: mail, function: mail}]}]
    """
    running.write(spec).start(env=SHORT)
    try:
        yield serving.Port(running.port)
    finally:
        running.close()


@contextlib.contextmanager
def service(folder: Path, role: str, config: dict[str, object]) -> Iterator[serving.Port]:
    running = Service(role, config, folder=folder, env={**SHORT, "K_SINK": NOBODY["uri"]}).start()
    try:
        yield serving.Port(running.port)
    finally:
        running.program.stop()


def gateway(folder: Path) -> AbstractContextManager[serving.Port]:
    route = {"name": "all", "path": "/", "methods": ["POST"], "target": NOBODY, "timeoutSeconds": 5.0}
    return service(folder, "gateway", {"app": "shop", "routes": [route]})


def enqueue(folder: Path) -> AbstractContextManager[serving.Port]:
    log = {"bootstrapServers": ["127.0.0.1:1"], "topic": "events"}
    return service(folder, "enqueue", {"logs": [{"path": "/", "kafka": log}]})


def dead_letters(folder: Path) -> AbstractContextManager[serving.Port]:
    api_port = harness.free_port()
    return service(folder, "dead-letters", {"app": "shop", "folder": str(folder), "apiPort": api_port})


PORTS: dict[str, Callable[[Path], AbstractContextManager[serving.Port]]] = {
    "dev": dev,
    "gateway": gateway,
    "enqueue": enqueue,
    "dead-letters": dead_letters,
}


@pytest.fixture(scope="module", params=PORTS)
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Port]:
    """The port of one program of ours, with short times and few connections."""
    with PORTS[request.param](tmp_path_factory.mktemp(request.param)) as served:
        yield served


@pytest.mark.parametrize(
    ("status", "pieces"),
    [
        pytest.param(431, [serving.HEAD + b"".join(b"x-%d: 1\r\n" % n for n in range(200)) + b"\r\n"], id="headers"),
        pytest.param(431, [serving.HEAD + b"x: ", *[b"x" * MIB] * 64], id="one endless header"),
        pytest.param(414, [b"POST /", *[b"x" * MIB] * 64], id="an endless target"),
        pytest.param(408, [serving.HEAD], id="half a head"),
        pytest.param(408, [serving.HEAD + b"Content-Length: 20\r\n\r\n{}"], id="a body shorter than announced"),
        pytest.param(400, [b"GET / HTTP/1.1\r\n\r\n"], id="no Host"),
        pytest.param(501, [serving.HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n"], id="an unknown coding"),
    ],
)
def test_a_request_that_takes_too_much_or_too_long_is_refused_and_ends(
    port: serving.Port, status: int, pieces: list[bytes]
) -> None:
    said = port.say(*pieces)

    assert serving.statuses(said)[0] == status
    assert b"application/problem+json" in said


def test_a_client_that_drips_its_head_is_refused(port: serving.Port) -> None:
    with port.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nx: ")

        assert serving.statuses(serving.dripped(connection)) == [408]


def test_a_connection_that_asks_for_nothing_ends_without_a_word(port: serving.Port) -> None:
    assert port.say(b"") == b""


def test_clients_that_hold_connections_give_way_to_one_that_uses_its_own(port: serving.Port) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(100):
            connection = held.enter_context(port.connect())
            with contextlib.suppress(OSError):  # it may have given way already
                connection.sendall(b"POST / HTTP/1.1\r\n")

        assert all(port.get("/healthz") < 500 for _ in range(20))
