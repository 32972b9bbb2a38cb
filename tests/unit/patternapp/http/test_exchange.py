"""What goes the short way is, to a client and to an application, as what goes by ASGI's messages."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from uvicorn.protocols.http import httptools_impl

from patternapp.http import answers, bodies, exchange, server, shortcut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEXT = answers.content(b"done", [("content-type", "text/plain")])
CLOSING = TEXT._replace(headers=[*TEXT.headers, (b"connection", b"close")])
SPLIT = TEXT._replace(headers=[*TEXT.headers, (b"x-note", b"one\r\nset-cookie: two")])


class App:
    """Reads the body, and gives the answer that its path names."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.bodies.append(await bodies.read(receive, limit=1_000_000))
        known = {"/nothing": answers.NOTHING, "/text": TEXT, "/closing": CLOSING, "/split": SPLIT}
        await answers.send_answer(known[scope["path"]], send)


@contextlib.asynccontextmanager
async def connected(app: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of a server of this application."""
    with server.listen("127.0.0.1", 0) as listening:
        async with server.serving(app, listening, grace=lambda: 5.0):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            try:
                yield reader, writer
            finally:
                writer.close()


def request(path: str, *, method: str = "POST", body: bytes = b"hello", more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: here\r\n{more}content-length: {len(body)}\r\n\r\n".encode() + body


async def head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    return lines[0], dict(line.split(": ", 1) for line in lines[1:] if line)


def test_an_exchange_has_all_that_uvicorn_gives_its_own() -> None:
    told: dict[str, Any] = {"scope": {}, "transport": None, "flow": None, "default_headers": [], "keep_alive": True}
    theirs = httptools_impl.RequestResponseCycle(
        **told,
        logger=exchange.logger,
        access_logger=exchange.logger,
        access_log=False,
        message_event=asyncio.Event(),
        expect_100_continue=False,
        on_response=print,
    )
    ours = exchange.Exchange(**told, expects=False, on_response=print)

    mine = {name: value for name, value in vars(ours).items() if not name.startswith("_")}
    assert mine == {name: value for name, value in vars(theirs).items() if name != "message_event"}


@pytest.mark.parametrize("path", ["/nothing", "/text"])
@pytest.mark.parametrize("through", ["the shortcut", "a middleware"])
async def test_an_answer_is_the_same_by_either_way(path: str, through: str) -> None:
    app = App()

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        async def seeing(message: Any) -> None:
            app.seen.append(message["type"])
            await send(message)

        await app(scope, receive, seeing)

    async with connected(app if through == "the shortcut" else middleware) as (reader, writer):
        for _ in range(2):
            writer.write(request(path))
            line, headers = await head(reader)
            assert line.split(" ", 1)[1] == {"/nothing": "204 No Content", "/text": "200 OK"}[path]
            assert "date" in headers
            assert headers.get("content-type") == {"/nothing": None, "/text": "text/plain"}[path]
            assert await reader.readexactly(int(headers.get("content-length", 0))) == (
                b"done" if path == "/text" else b""
            )

    assert app.bodies == [b"hello", b"hello"]
    twice = ["http.response.start", "http.response.body"] * 2
    assert app.seen == ([] if through == "the shortcut" else twice)


async def test_a_body_in_pieces_is_read_to_its_end() -> None:
    app = App()
    async with connected(app) as (reader, writer):
        sent = request("/text", body=b"x" * 200_000)
        for begin in range(0, len(sent), 50_000):
            writer.write(sent[begin : begin + 50_000])
            await writer.drain()
        await head(reader)

    assert app.bodies == [b"x" * 200_000]


async def test_requests_sent_at_once_are_answered_in_their_order() -> None:
    async with connected(App()) as (reader, writer):
        writer.write(request("/nothing") + request("/text") + request("/nothing"))

        lines = [(await head(reader))[0]]
        line, headers = await head(reader)
        await reader.readexactly(int(headers["content-length"]))
        lines += [line, (await head(reader))[0]]

    assert [line.split()[1] for line in lines] == ["204", "200", "204"]


@pytest.mark.parametrize(
    ("path", "more"), [("/text", "connection: close\r\n"), ("/closing", "")], ids=["the client's wish", "the app's"]
)
async def test_a_connection_ends_after_the_answer_that_says_so(path: str, more: str) -> None:
    async with connected(App()) as (reader, writer):
        writer.write(request(path, more=more))
        _, headers = await head(reader)

        assert headers["connection"] == "close"
        assert await reader.read() == b"done"


async def test_the_answer_to_head_has_no_body() -> None:
    async with connected(App()) as (reader, writer):
        writer.write(request("/text", method="HEAD", body=b"", more="connection: close\r\n"))
        line, headers = await head(reader)

        assert line.split()[1] == "200"
        assert headers["content-length"] == "4"
        assert await reader.read() == b""


async def test_a_header_with_a_line_break_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(App()) as (reader, writer):
        writer.write(request("/split"))
        everything = await reader.read()

    assert b"set-cookie" not in everything
    assert "Invalid HTTP header value" in caplog.text


async def test_whoever_waits_after_the_body_is_told_when_the_client_leaves() -> None:
    told: list[Any] = []
    read = asyncio.Event()

    async def app(_: Any, receive: Any, send: Any) -> None:
        server_side = shortcut.of(send)
        assert server_side is not None
        told.append(server_side.body_at_once())
        read.set()
        told.append(await receive())

    async with connected(app) as (_, writer):
        writer.write(request("/"))
        await read.wait()
        await asyncio.sleep(0)
        assert told == [b"hello"]
        writer.close()

    assert told == [b"hello", {"type": "http.disconnect"}]


@pytest.mark.parametrize(
    ("ends", "logged"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: "text", "ASGI callable should return None"),
        (lambda: None, "without starting response"),
    ],
    ids=["raises", "returns a value", "answers nothing"],
)
async def test_an_application_that_does_not_do_its_part_is_logged(
    ends: Any, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(_: Any, receive: Any, send: Any) -> Any:  # noqa: ARG001 - what ASGI calls
        return ends()

    async with connected(app) as (reader, writer):
        writer.write(request("/"))
        await reader.read()

    assert logged in caplog.text
