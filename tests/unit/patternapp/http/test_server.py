from __future__ import annotations

import asyncio
import signal
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from patternapp import errors
from patternapp.http import answers, server

if TYPE_CHECKING:
    from patternapp.http.answers import Answer

DONE: Answer = answers.NOTHING


class Gated:
    """An application that answers when it is let, and tells how its requests ended."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.let = asyncio.Event()
        self.abandoned: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _ = scope, receive
        self.began.set()
        try:
            await self.let.wait()
        except asyncio.CancelledError as error:
            self.abandoned += error.args
            raise
        await answers.send_answer(DONE, send)


async def ask(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


@pytest.fixture
def listening() -> Any:
    with server.listen("127.0.0.1", 0) as made:
        yield made


def url(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


async def test_requests_are_taken_in_the_block_and_its_end_waits_for_those_under_way(listening: socket.socket) -> None:
    app, where = Gated(), url(listening)

    async with server.serving(app, listening, grace=lambda: 60.0):
        asking = asyncio.create_task(ask(where))
        await app.began.wait()
        asyncio.get_running_loop().call_soon(app.let.set)

    assert await asking == 204
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(where)


async def test_what_is_not_done_within_the_grace_is_abandoned_and_told_why(
    listening: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    app = Gated()

    async with server.serving(app, listening, grace=lambda: 0.0):
        asking = asyncio.create_task(ask(url(listening)))
        await app.began.wait()

    assert await asking == 500
    assert app.abandoned == [server.ABANDONED]
    assert "1 requests did not end within 0 s and are abandoned" in caplog.text


async def test_signals_stay_with_whoever_has_them(listening: socket.socket) -> None:
    before = signal.getsignal(signal.SIGTERM)

    async with server.serving(Gated(), listening, grace=lambda: 1.0):
        assert signal.getsignal(signal.SIGTERM) is before


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(errors.EnvironmentProblem, match=f"127.0.0.1:{port}: Address already in use"):
            server.listen("127.0.0.1", port)
