"""Questions to an API server, and what is said where it does not answer as one."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import loopback
import pytest
from kubernetes.aio import client as kubernetes

from patternapp import errors
from patternapp.cluster import client as clients
from patternapp.cluster import failures, resources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KIND = resources.ApiKind("v1", "ConfigMap")
BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"text": "caf\u00e9 \U0001f600"}}


class Server:
    """Answers with what it is given, in turn, and remembers what it was asked."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, bytes]] = []

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        self.asked.append((scope["method"], f"{scope['path']}?{scope['query_string'].decode()}", body))
        status, headers, answer = self.answers.pop(0)
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": answer})


@contextlib.asynccontextmanager
async def asking(url: str) -> AsyncIterator[clients.Client]:
    async with kubernetes.ApiClient(kubernetes.Configuration(host=url)) as api:
        yield clients.Client(api, "ns")


def said(**status: Any) -> bytes:
    return json.dumps({"kind": "Status"} | status).encode()


async def test_every_write_is_only_tried() -> None:
    server = Server(*[(200, {}, json.dumps(BODY).encode())] * 4)

    async with loopback.served(server) as url, asking(url) as client:
        await client.try_apply(BODY, "ns", force=False)
        await client.try_apply(BODY, "ns", force=True)
        await client.try_create(BODY, "ns")
        await client.try_put(KIND, "ns", "one", {"/data": {}})

    assert [method for method, _, _ in server.asked] == ["PATCH", "PATCH", "POST", "PATCH"]
    assert all("dryRun=All" in path for _, path, _ in server.asked)


async def test_a_server_whose_kinds_are_just_being_made_is_asked_again() -> None:
    server = Server((429, {"retry-after": "0"}, said(message="initializing")), (200, {}, json.dumps(BODY).encode()))

    async with loopback.served(server) as url, asking(url) as client:
        assert await client.get(KIND, "ns", "one") == BODY


async def test_a_long_list_is_read_page_by_page() -> None:
    pages: tuple[dict[str, Any], ...] = (
        {"metadata": {"continue": "more"}, "items": [{"metadata": {}}]},
        {"metadata": {}, "items": [{}]},
    )
    server = Server(*((200, {}, json.dumps(page).encode()) for page in pages))

    async with loopback.served(server) as url, asking(url) as client:
        found = await client.listed(KIND, "ns")

    assert [one["kind"] for one in found] == ["ConfigMap", "ConfigMap"]
    assert "continue=more" in server.asked[1][1]


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, said(message="Unauthorized"), errors.EnvironmentProblem, "does not know you .401.; log in again"),
        (403, said(message="you may not"), failures.Forbidden, "you may not"),
        (500, said(message="broken"), failures.Unavailable, "500 broken"),
        (502, b"<html>bad gateway", failures.Unavailable, "bad gateway"),
        (200, b"<html>welcome", errors.EnvironmentProblem, "is no API server; look at the server in your kubeconfig"),
    ],
)
async def test_an_answer_that_is_none_is_told_in_a_line(
    status: int, body: bytes, kind: type[Exception], message: str
) -> None:
    async with loopback.served(Server((status, {}, body))) as url, asking(url) as client:
        with pytest.raises(kind, match=message):
            await client.get(KIND, "ns", "one")


async def test_a_server_that_is_not_there_is_told_with_the_mend() -> None:
    async with asking("http://127.0.0.1:1") as client:
        with pytest.raises(
            errors.EnvironmentProblem, match=r"127\.0\.0\.1:1 cannot be reached: Connection refused; start"
        ):
            await client.discover()


async def test_a_conflict_names_each_field_and_whose_it_is() -> None:
    causes = [{"field": ".spec.replicas", "message": 'conflict with "kubectl-edit" using apps/v1'}]
    body = said(message="Apply failed", details={"causes": causes})

    async with loopback.served(Server((409, {}, body))) as url, asking(url) as client:
        with pytest.raises(failures.Conflict) as caught:
            await client.try_apply(BODY, "ns", force=False)

    assert caught.value.causes == ((".spec.replicas", 'conflict with "kubectl-edit" using apps/v1'),)
