"""Which app gets a request: by its path, and for our own only where the guard lets it through."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import loopback
import pytest

from patternapp.runtime.web.frontdoor import FrontDoor
from patternapp.runtime.web.guard import Guard
from patternapp_services import wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


def saying(name: str) -> ASGIApp:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await wire.respond(send, 200, body=name.encode())

    return app


def front(*, port: int = 8700, gateway: bool = True) -> FrontDoor:
    return FrontDoor(
        guard=Guard(port=port, token="s3cret"),  # noqa: S106 - a test's own
        ours={"/api": saying("control"), "/events": saying("ingress")},
        webhooks=(saying("webhook"), frozenset({"/hooks/payment"})),
        gateway=saying("gateway") if gateway else None,
    )


async def asked(door: FrontDoor, path: str, *, host: str = "127.0.0.1:8700") -> tuple[int, str]:
    async with (
        loopback.served(door) as url,
        aiohttp.ClientSession() as session,
        session.get(url + path, headers={"host": host}) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/api", "control"),
        ("/api/ledger", "control"),
        ("/events", "ingress"),
        ("/events/", "ingress"),
        ("/hooks/payment", "webhook"),
        ("/hooks/payment/more", "gateway"),
        ("/", "gateway"),
        ("/apis", "gateway"),
        ("/eventsource", "gateway"),
        ("//api/ledger", "gateway"),
        ("/API/ledger", "gateway"),
    ],
)
async def test_a_path_has_one_owner(path: str, owner: str) -> None:
    assert await asked(front(), path) == (200, owner)


async def test_our_own_endpoints_are_guarded() -> None:
    status, body = await asked(front(), "/api/ledger", host="evil.example:8700")

    assert (status, json.loads(body)["status"]) == (403, 403)


@pytest.mark.parametrize(("path", "owner"), [("/orders", "gateway"), ("/hooks/payment", "webhook")])
async def test_the_apps_own_paths_are_open_to_every_host(path: str, owner: str) -> None:
    assert await asked(front(), path, host="shop.example.com") == (200, owner)


async def test_without_a_gateway_another_path_is_a_404_that_says_where_things_are() -> None:
    status, body = await asked(front(gateway=False), "/orders")

    assert status == 404
    assert json.loads(body)["detail"] == ("this app declares no gateway; events go to /events, and /api lists the rest")


async def test_a_question_about_the_server_as_a_whole_is_the_gateways() -> None:
    async with loopback.served(front()) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()

    assert answer.endswith(b"gateway")
