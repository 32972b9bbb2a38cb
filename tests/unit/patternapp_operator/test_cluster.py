from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import loopback
import pytest
from kubernetes.aio import client

from patternapp.cluster import failures, resources
from patternapp_operator import cluster, metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KIND = resources.ApiKind("v1", "ConfigMap")
BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"text": "caf\u00e9 \U0001f600"}}


class Server:
    """Answers with what it is given, in turn, and remembers what it was asked."""

    def __init__(self, *answers: tuple[int, dict[str, str], Any]) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.types: list[str] = []

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            return
        self.bodies.append((await receive())["body"])
        self.types.append(dict(scope["headers"]).get(b"content-type", b"").decode())
        status, headers, body = self.answers.pop(0)
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def asked(
    server: Server, *, left: Callable[[], float] = lambda: cluster.TIMEOUT
) -> AsyncIterator[cluster.Cluster]:
    async with loopback.served(server) as url, client.ApiClient(client.Configuration(host=url)) as api:
        yield cluster.Cluster(api, metrics.Metrics(), left=left)


async def test_a_server_that_asks_to_wait_is_asked_again() -> None:
    server = Server((429, {"retry-after": "0"}, {"message": "slow down"}), (200, {}, BODY))

    async for one in asked(server):
        assert await one.get(KIND, "ns", "one") == BODY

    assert server.answers == []


async def test_a_server_that_asks_to_wait_too_long_is_left_with_its_wish_told() -> None:
    async for one in asked(Server((429, {"retry-after": "60"}, {"message": "slow down"}))):
        with pytest.raises(failures.Unavailable, match="429 slow down") as caught:
            await one.get(KIND, "ns", "one")

        assert caught.value.wait == 60


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (403, failures.Forbidden),
        (404, failures.Missing),
        (409, failures.Conflict),
        (410, failures.Conflict),
        (422, failures.Invalid),
        (500, failures.Unavailable),
    ],
)
async def test_a_refusal_is_told_by_its_kind_and_cut(status: int, expected: type[failures.Rejected]) -> None:
    async for one in asked(Server((status, {}, {"message": "no " * 10_000}))):
        with pytest.raises(expected) as caught:
            await one.apply(BODY, "ns")

        assert len(caught.value.message) == failures.LONGEST


async def test_what_is_not_there_is_none_when_read_and_fine_when_deleted() -> None:
    async for one in asked(Server((404, {}, {"message": "gone"}), (404, {}, {"message": "gone"}))):
        assert await one.get(KIND, "ns", "one") is None
        await one.delete(KIND, "ns", "one", uid="u1")


async def test_no_answer_is_unavailable() -> None:
    async with (
        loopback.answering(b"") as url,
        client.ApiClient(client.Configuration(host=url)) as api,
    ):
        with pytest.raises(failures.Unavailable, match="no answer"):
            await cluster.Cluster(api, metrics.Metrics()).get(KIND, "ns", "one")


async def test_a_replica_that_does_not_lead_reads_and_writes_nothing() -> None:
    server = Server((200, {}, BODY))

    async for one in asked(server, left=lambda: 0.0):
        await one.get(KIND, "ns", "one")
        with pytest.raises(failures.Fenced):
            await one.apply(BODY, "ns")

    assert server.answers == []


async def test_what_is_applied_is_text_that_a_reader_of_yaml_understands() -> None:
    server = Server((200, {}, BODY))

    async for one in asked(server):
        await one.apply(BODY, "ns")

    assert server.types == ["application/apply-patch+yaml; charset=utf-8"]
    assert "caf\u00e9 \U0001f600" in server.bodies[0].decode()


async def test_a_write_is_given_up_before_another_replica_may_write() -> None:
    async def silent(scope: dict[str, Any], receive: Callable[[], Any], _: Callable[[Any], Any]) -> None:
        """Takes everything and answers nothing."""
        if scope["type"] == "http":
            while (await receive())["type"] != "http.disconnect":
                pass

    async with loopback.served(silent) as url, client.ApiClient(client.Configuration(host=url)) as api:
        with pytest.raises(failures.Unavailable, match=r"no answer: .*Timeout"):
            await cluster.Cluster(api, metrics.Metrics(), left=lambda: 0.1).apply(BODY, "ns")
