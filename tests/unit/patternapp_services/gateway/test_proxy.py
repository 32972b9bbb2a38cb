from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import yarl

from patternapp_services import wire
from patternapp_services.gateway import proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEADLINE = 10
BIG = bytes(range(256)) * 4096


class Function:
    """The upstream: what it does follows from the path, what it saw is kept."""

    def __init__(self) -> None:
        self.scope: wire.Scope = {}
        self.body = b""
        self.called = asyncio.Event()
        self.left = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        self.scope = scope
        if scope["path"] != "/stream-in":
            self.body = await wire.read_body(scope, receive, limit=2 * len(BIG))
        self.called.set()
        match scope["path"]:
            case "/echo":
                await wire.respond(send, 200, body=self.body)
            case "/answer":
                body = gzip.compress(b"zipped")
                headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"content-encoding", b"gzip")]
                await wire.respond(
                    send, 201, body=body, headers=[*headers, (b"x-hop", b"1"), (b"connection", b"x-hop")]
                )
            case "/moved":
                await wire.respond(send, 302, headers=[(b"location", b"/echo")])
            case "/stream-out":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"first", "more_body": True})
                await self.go_on.wait()
                await send({"type": "http.response.body", "body": b"last"})
            case "/stream-in":
                message = await receive()
                self.body = message["body"]
                self.left.set()
                await wire.respond(send, 200, body=await wire.read_body(scope, receive))
            case "/break":
                await send(
                    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99999999")]}
                )
                await send({"type": "http.response.body", "body": b"half", "more_body": True})
                await self.go_on.wait()
            case "/wait":
                while (await receive())["type"] != "http.disconnect":
                    pass
                self.left.set()


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def front(serve: Any, function: Function) -> AsyncIterator[str]:
    async with serve(function) as upstream, _proxy(serve, upstream, timeout=DEADLINE) as url:
        yield url


def _proxy(serve: Any, *upstreams: str, timeout: float) -> Any:
    return _Front(serve, upstreams, timeout)


class _Front:
    """The proxy before instances, served on a port of its own. The last instance is there for good."""

    def __init__(self, serve: Any, upstreams: tuple[str, ...], timeout: float) -> None:
        self._upstreams = itertools.chain(upstreams, itertools.repeat(upstreams[-1]))
        self._timeout = timeout
        self._serving = serve(self)

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        function = proxy.Function("orders", self._timeout, self._instance)
        await proxy.forward(self._session, function, scope, receive, send)

    @contextlib.asynccontextmanager
    async def _instance(self) -> AsyncIterator[str]:
        yield next(self._upstreams)

    async def __aenter__(self) -> str:
        self._session = proxy.open_session()
        url: str = await self._serving.__aenter__()
        return url

    async def __aexit__(self, *error: object) -> None:
        await self._serving.__aexit__(*error)
        await self._session.close()


@pytest.mark.parametrize("body", [b"", b"small", BIG], ids=["empty", "small", "big"])
async def test_bodies_go_through_both_ways(front: str, client: aiohttp.ClientSession, *, body: bytes) -> None:
    async with client.post(f"{front}/echo", data=body) as answer:
        assert (answer.status, await answer.read()) == (200, body)


async def test_a_body_of_unknown_length_goes_through(front: str, client: aiohttp.ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async with client.post(f"{front}/echo", data=pieces()) as answer:
        assert await answer.read() == b"one two"


async def test_path_and_query_go_through_as_they_were_sent(
    front: str, function: Function, client: aiohttp.ClientSession
) -> None:
    async with client.get(yarl.URL(f"{front}/echo%2F..%2fa?x=%7e&x=+", encoded=True)):
        pass

    assert (function.scope["raw_path"], function.scope["query_string"]) == (b"/echo%2F..%2fa", b"x=%7e&x=+")


async def test_headers_of_one_connection_stay_on_it(
    front: str, function: Function, client: aiohttp.ClientSession
) -> None:
    sent = {"connection": "x-private", "x-private": "1", "te": "trailers", "x-kept": "yes", "accept": "text/plain"}

    async with client.get(f"{front}/echo", headers=sent, skip_auto_headers=["user-agent", "accept-encoding"]):
        pass

    assert [name for name, _ in function.scope["headers"]] == [b"host", b"x-kept", b"accept"]


async def test_the_answer_comes_back_byte_for_byte(front: str, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{front}/answer") as answer:
        assert answer.status == 201
        assert answer.headers.getall("set-cookie") == ["a=1", "b=2"]
        assert "x-hop" not in answer.headers
        assert gzip.decompress(await answer.read()) == b"zipped"


async def test_a_redirect_is_the_callers_affair(front: str, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{front}/moved", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["location"]) == (302, "/echo")


async def test_an_answer_is_streamed_while_it_is_written(
    front: str, function: Function, client: aiohttp.ClientSession
) -> None:
    async with asyncio.timeout(DEADLINE), client.get(f"{front}/stream-out") as answer:
        assert await answer.content.readany() == b"first"

        function.go_on.set()

        assert await answer.read() == b"last"


async def test_a_body_is_streamed_while_it_is_sent(
    front: str, function: Function, client: aiohttp.ClientSession
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await function.left.wait()  # The function has the first piece before the last one is sent.
        yield b"last"

    async with asyncio.timeout(DEADLINE), client.post(f"{front}/stream-in", data=pieces()) as answer:
        assert (function.body, await answer.read()) == (b"first", b"last")


async def test_a_client_that_leaves_takes_its_request_along(
    front: str, function: Function, client: aiohttp.ClientSession
) -> None:
    request = asyncio.ensure_future(client.get(f"{front}/wait"))
    async with asyncio.timeout(DEADLINE):
        await function.called.wait()

        request.cancel()

        await function.left.wait()


@pytest.fixture
def nowhere() -> str:
    """An address that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


async def _problem(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status, json.loads(await answer.read())["detail"]


async def test_a_function_that_takes_no_connection_is_a_problem_503_that_names_no_address(
    serve: Any, client: aiohttp.ClientSession, nowhere: str
) -> None:
    async with _proxy(serve, nowhere, timeout=DEADLINE) as url, client.post(f"{url}/echo", data=b"x") as answer:
        assert answer.headers["retry-after"] == "1"
        status, detail = await _problem(answer)
    assert status == 503
    assert detail.startswith("The function orders takes no connections, so nothing was sent to it. Send the request ")
    assert "127.0.0.1" not in detail


@pytest.mark.parametrize("body", [b"", b"small", BIG], ids=["empty", "small", "big"])
async def test_a_request_that_reached_nobody_goes_to_another_instance(
    serve: Any, function: Function, client: aiohttp.ClientSession, nowhere: str, *, body: bytes
) -> None:
    async with (
        serve(function) as upstream,
        _proxy(serve, nowhere, upstream, timeout=DEADLINE) as url,
        client.post(f"{url}/echo", data=body) as answer,
    ):
        assert (answer.status, await answer.read()) == (200, body)


@contextlib.asynccontextmanager
async def _hanging_up(calls: list[bytes]) -> AsyncIterator[str]:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.readline())
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_function_that_hangs_up_is_a_problem_502_and_not_asked_again(
    serve: Any, client: aiohttp.ClientSession, *, method: str
) -> None:
    calls: list[bytes] = []

    async with (
        _hanging_up(calls) as upstream,
        _proxy(serve, upstream, timeout=DEADLINE) as url,
        client.request(method, f"{url}/echo", data=b"x" if method == "POST" else None) as answer,
    ):
        status, detail = await _problem(answer)
    assert status == 502
    assert detail.startswith("The function orders broke off without a whole answer; its log says why. It may have done")
    assert len(calls) == 1


async def test_a_function_that_takes_too_long_is_a_problem_504_and_left(
    serve: Any, function: Function, client: aiohttp.ClientSession
) -> None:
    async with serve(function) as upstream, _proxy(serve, upstream, timeout=0.2) as url:
        async with client.get(f"{url}/wait") as answer:
            assert answer.status == 504

        async with asyncio.timeout(DEADLINE):
            await function.left.wait()


async def test_half_an_answer_never_passes_for_a_whole_one(
    serve: Any, function: Function, client: aiohttp.ClientSession
) -> None:
    async with (
        serve(function) as upstream,
        _proxy(serve, upstream, timeout=0.2) as url,
        client.get(f"{url}/break") as answer,
    ):
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()

        function.go_on.set()
