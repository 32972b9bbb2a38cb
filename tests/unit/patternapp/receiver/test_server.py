from __future__ import annotations

import asyncio
import contextlib
import io
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from patternapp import cloudevents
from patternapp.http import server as http_server
from patternapp.receiver import Event, Receiver, server, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

EVENT: Event[bytes | None] = Event(
    {"id": "1", "source": "/test", "type": "ping", "specversion": "1.0", "datacontenttype": "application/json"}, b"{}"
)


@contextlib.asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[str]:
    """The application on a real server and a real port, until the block ends."""
    started = asyncio.Event()
    listener = http_server.listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    uvicorn_server = server.make_server(app, started=started.set, settings=settings.Settings(grace=5))
    task = asyncio.create_task(uvicorn_server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(10):
            await started.wait()
        yield url
    finally:
        uvicorn_server.should_exit = True
        await task


@pytest.mark.parametrize("encode", [cloudevents.encode_binary, cloudevents.encode_structured])
async def test_an_event_over_the_wire_gets_its_reply(
    encode: Callable[[Event[bytes | None]], tuple[list[tuple[str, str]], bytes]],
) -> None:
    app = Receiver(source="/me")

    @app.on("ping", reply="pong")
    async def ping(event: Event[dict[str, int]]) -> dict[str, str]:
        return {"to": str(event.attributes["id"])}

    headers, body = encode(EVENT)
    async with (
        running(app) as url,
        aiohttp.ClientSession() as session,
        session.post(url, headers=headers, data=body) as answer,
    ):
        reply = cloudevents.decode([(k.lower(), v) for k, v in answer.raw_headers], await answer.read())

    assert (reply.attributes["type"], reply.attributes["source"], reply.data) == ("pong", "/me", b'{"to":"1"}')


async def test_an_event_that_needs_no_reply_leaves_the_connection_open_for_the_next() -> None:
    app = Receiver()
    app.on("ping")(lambda: None)
    headers, body = cloudevents.encode_binary(EVENT)

    async with running(app) as url, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        for _ in range(3):
            async with session.post(url, headers=headers, data=body) as answer:
                assert (answer.status, await answer.read()) == (204, b"")


async def test_a_body_over_the_limit_is_answered_and_the_connection_still_good() -> None:
    headers, _ = cloudevents.encode_binary(EVENT)

    async with (
        running(Receiver()) as url,
        aiohttp.ClientSession() as session,
        session.post(url, headers=headers, data=io.BytesIO(b"x" * (3 * 1024 * 1024))) as answer,
        session.post(url, headers=headers, data=b"{}") as next_answer,
    ):
        assert (answer.status, next_answer.status) == (413, 422)


async def test_probes_tell_life_from_readiness() -> None:
    stopping: list[int] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: Receiver) -> AsyncIterator[None]:
        yield
        stopping.append(app._health.answer("/readyz").status)  # type: ignore[union-attr] # it is a probe

    app = Receiver(lifespan=lifespan)
    before = app._health.answer("/readyz")

    async with running(app) as url, aiohttp.ClientSession() as session:
        statuses = []
        for path in ("/healthz", "/readyz"):
            async with session.get(url + path) as answer:
                statuses.append(answer.status)

    assert before is not None
    assert (before.status, statuses, stopping) == (503, [200, 200], [503])


async def test_a_route_that_events_would_hide_stops_the_start() -> None:
    app = Receiver()

    @app.post("/")
    def root() -> None: ...

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "lifespan"}, receive, send)

    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "POST /" in sent[0]["message"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for modules, forgotten afterwards."""
    modules, path = set(sys.modules), list(sys.path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_an_application_is_loaded_from_its_folder(folder: Path) -> None:
    (folder / "papp_good.py").write_text("class made:\n    async def app(scope, receive, send): ...\n")

    assert server.load("papp_good:made.app", folder=folder).__name__ == "app"


@pytest.mark.parametrize(
    ("target", "says", "cause"),
    [
        ("papp_bad", "is not MODULE:APP; write one like shop.orders:app", None),
        (":app", "is not MODULE:APP", None),
        ("papp_none:app", "there is no module papp_none: looked in", ModuleNotFoundError),
        ("papp_bad.sub:app", "there is no module papp_bad.sub", ModuleNotFoundError),
        ("papp_bad:app.x", "papp_bad was imported, but app.x is not in it: app is missing", None),
        ("papp_bad:number", "is of the type int, not an ASGI application", None),
        ("papp_needs:app", "papp_needs cannot be imported: No module named 'papp_gone'; is it", ModuleNotFoundError),
        ("papp_raises:app", "papp_raises cannot be imported: LookupError: oops", LookupError),
        ("papp_syntax:app", "papp_syntax cannot be imported: SyntaxError", SyntaxError),
    ],
)
def test_an_application_that_cannot_be_loaded_says_why(
    folder: Path, target: str, says: str, cause: type[Exception] | None
) -> None:
    (folder / "papp_bad").mkdir()
    (folder / "papp_bad" / "__init__.py").write_text("number = 1\n")
    (folder / "papp_needs.py").write_text("import papp_gone\n")
    (folder / "papp_raises.py").write_text("raise LookupError('oops')\n")
    (folder / "papp_syntax.py").write_text("def\n")

    with pytest.raises(server.TargetError) as caught:
        server.load(target, folder=folder)

    assert says in str(caught.value)
    assert type(caught.value.__cause__) is (cause or type(None))
