"""No client gets more of a server than its limits, and the others do not notice."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import harness
import psutil
import pytest
from receiver import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNKED = serving.HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Served]:
    """A function with short times and few connections."""
    options = ("--head-timeout", "1", "--body-timeout", "1", "--idle-timeout", "1", "--answer-timeout", "2")
    app = serving.PING + "    app.get('/large')(lambda: 'x' * 50_000_000)\n"
    folder = tmp_path_factory.mktemp("limits")
    with serving.serving(folder, *options, "--connections", "30", app=app) as running:
        yield running


@pytest.mark.parametrize(
    ("status", "pieces"),
    [
        pytest.param(431, [serving.HEAD + b"".join(b"x-%d: 1\r\n" % n for n in range(200)) + b"\r\n"], id="headers"),
        pytest.param(431, [serving.HEAD + b"x: ", *[b"x" * MIB] * 64], id="one endless header"),
        pytest.param(431, [serving.HEAD, *[b"x" * MIB] * 64], id="one endless header name"),
        pytest.param(400, [CHUNKED + b"0\r\nx: ", *[b"x" * MIB] * 64], id="one endless trailer"),
        pytest.param(414, [b"POST /", *[b"x" * MIB] * 64], id="an endless target"),
        pytest.param(400, [CHUNKED + b"2;x=", *[b"x" * MIB] * 64], id="an endless chunk extension"),
        pytest.param(413, [CHUNKED, *[b"100000\r\n" + b"x" * MIB + b"\r\n"] * 64, b"0\r\n\r\n"], id="many chunks"),
        pytest.param(413, [serving.HEAD + b"Content-Length: 9999999\r\n\r\n"], id="a body announced as too long"),
        pytest.param(408, [serving.HEAD + b"Content-Length: 20\r\n\r\n{}"], id="a body shorter than announced"),
        pytest.param(408, [CHUNKED + b"2\r\n{}\r\n"], id="chunks without an end"),
        pytest.param(408, [serving.HEAD], id="half a head"),
        pytest.param(408, [b"P"], id="one byte"),
    ],
)
def test_a_request_that_takes_too_much_or_too_long_is_refused_and_ends(
    served: serving.Served, status: int, pieces: list[bytes]
) -> None:
    before, handled = served.memory(), served.handled

    said = served.say(*pieces)

    assert serving.statuses(said)[0] == status
    assert served.handled == handled
    assert served.memory() - before < 32 * MIB


@pytest.mark.parametrize("said", [b"", b"\r\n\r\n"])
def test_a_connection_that_asks_for_nothing_ends_without_a_word(served: serving.Served, said: bytes) -> None:
    assert served.say(said) == b""


def test_an_idle_connection_ends_after_its_last_answer(served: serving.Served) -> None:
    assert serving.statuses(served.say(serving.EVENT)) == [204]


def test_a_client_that_drips_its_body_is_refused(served: serving.Served) -> None:
    with served.connect() as connection:
        connection.sendall(serving.HEAD + b"Content-Length: 100000\r\n\r\n")

        assert serving.statuses(serving.dripped(connection)) == [408]


def test_a_client_that_does_not_read_its_answer_is_left(served: serving.Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
        serving.read_head(connection)

        harness.eventually(lambda: "CLOSE" in served_states(served) or not served_states(served))


def served_states(served: serving.Served) -> set[str]:
    return {
        one.status
        for one in psutil.Process(served.process.pid).net_connections("tcp")
        if one.status != psutil.CONN_LISTEN
    }


def test_requests_are_answered_in_order_when_they_come_at_once(served: serving.Served) -> None:
    last = b"GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

    assert serving.statuses(served.say(serving.EVENT * 3 + last)) == [204, 204, 204, 200]


def test_a_flood_of_requests_at_once_ends_the_connection_after_those_that_were_taken(served: serving.Served) -> None:
    answered = serving.statuses(served.say(serving.EVENT * 500))

    assert set(answered) == {204}
    assert len(answered) < 100


def test_what_is_wrong_behind_a_good_request_does_not_take_its_answer(served: serving.Served) -> None:
    said = served.say(serving.EVENT + b"no such thing\r\n\r\n")

    assert serving.statuses(said) == [204]


def test_a_client_that_waits_to_go_on_is_told_to_or_refused_without_its_body(served: serving.Served) -> None:
    wanted = serving.HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: "
    with served.connect() as connection:
        connection.sendall(wanted + b"2\r\n\r\n")
        asked = serving.read_head(connection)
        connection.sendall(b"{}")
        answered = serving.read_all(connection)

    assert (serving.statuses(asked), serving.statuses(answered)) == ([100], [204])
    assert serving.statuses(served.say(wanted + b"9999999\r\n\r\n")) == [413]


def test_a_request_that_would_rather_upgrade_is_answered_with_its_body_read(served: serving.Served) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"

    said = served.say(serving.HEAD + upgrade + b"Content-Length: 7\r\n\r\nJavaJDK")

    assert serving.statuses(said) == [204]
    harness.eventually(lambda: "handled JavaJDK" in served.output)


def test_clients_that_hold_connections_give_way_to_one_that_uses_its_own(served: serving.Served) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(200):
            connection = held.enter_context(served.connect())
            with contextlib.suppress(OSError):  # it may have given way already
                connection.sendall(b"POST / HTTP/1.1\r\n")

        assert [served.get("/healthz") for _ in range(20)] == [200] * 20


def test_one_connection_too_many_is_told_so_when_all_others_are_at_work(tmp_path: Path) -> None:
    app = """
        import asyncio
        from patternapp.receiver import Receiver

        app = Receiver()

        @app.on("ping")
        async def ping() -> None:
            print("handled", flush=True)
            await asyncio.Event().wait()
    """
    with (
        serving.serving(tmp_path, "--connections", "2", app=app) as served,
        served.connect() as first,
        served.connect() as second,
    ):
        first.sendall(serving.EVENT)
        second.sendall(serving.EVENT)
        harness.eventually(lambda: served.handled == 2)

        said = served.say(b"")

    assert serving.statuses(said) == [503]
