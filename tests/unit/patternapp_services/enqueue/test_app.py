"""The endpoint: what is answered, and when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import prometheus_client
import pytest

from patternapp.cloudevents import Event
from patternapp_services.enqueue import app, measures, writers

if TYPE_CHECKING:
    from collections.abc import Callable

HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/s",
    "ce-type": "t",
    "content-type": "application/json",
}


class Kept:
    """A `Writer` that keeps events in a list, once it may."""

    def __init__(self) -> None:
        self.events: list[Event[bytes | None]] = []
        self.fails: Exception | None = None
        self.may = asyncio.Event()
        self.may.set()

    async def write(self, event: Event[bytes | None]) -> None:
        await self.may.wait()
        if self.fails is not None:
            raise self.fails
        self.events.append(event)

    async def close(self) -> None:
        """There is nothing to let go of."""


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def post(call: Callable[..., Any], kept: Kept) -> Any:
    endpoint = app.Enqueue(
        {"/queue/a": kept}, measures.Measures(prometheus_client.CollectorRegistry()), waiting_limit=10
    )

    async def posting(
        body: bytes = b'{"n":1}', *, headers: dict[str, str] | None = None, path: str = "/queue/a", method: str = "POST"
    ) -> Any:
        return await call(endpoint, method, path, headers=HEADERS if headers is None else headers, body=body)

    return posting


async def test_an_event_in_binary_mode_is_appended_and_then_answered_202(post: Any, kept: Kept) -> None:
    answer = await post()

    assert (answer.status, answer.body) == (202, b"")
    assert kept.events == [
        Event(
            {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "datacontenttype": "application/json"},
            b'{"n":1}',
        )
    ]


async def test_an_event_in_structured_mode_is_appended(post: Any, kept: Kept) -> None:
    body = b'{"specversion":"1.0","id":"2","source":"/s","type":"t"}'

    answer = await post(body, headers={"content-type": "application/cloudevents+json"})

    assert answer.status == 202
    assert [event.attributes["id"] for event in kept.events] == ["2"]


async def test_all_events_of_a_batch_are_appended(post: Any, kept: Kept) -> None:
    one = '{"specversion":"1.0","id":"%d","source":"/s","type":"t"}'
    body = f"[{','.join(one % number for number in range(3))}]".encode()

    answer = await post(body, headers={"content-type": "application/cloudevents-batch+json"})

    assert answer.status == 202
    assert sorted(str(event.attributes["id"]) for event in kept.events) == ["0", "1", "2"]


async def test_nothing_is_answered_before_the_acknowledgement(post: Any, kept: Kept) -> None:
    kept.may.clear()
    answering = asyncio.create_task(post())
    await asyncio.sleep(0)

    assert not answering.done()

    kept.may.set()
    assert (await answering).status == 202


async def test_an_event_that_was_not_acknowledged_is_to_be_sent_again(post: Any, kept: Kept) -> None:
    kept.fails = writers.NotWritten("the topic a is away")

    answer = await post()

    assert answer.status == 503
    assert answer.header(b"retry-after") == b"1"
    assert b"the topic a is away" in answer.body


async def test_an_event_that_the_broker_never_takes_is_refused_for_good(post: Any, kept: Kept) -> None:
    kept.fails = writers.TooLarge("it is too large")

    assert (await post()).status == 413


async def test_a_body_over_the_limit_is_refused(post: Any) -> None:
    assert (await post(b"x" * (app.BODY_LIMIT + 1))).status == 413


@pytest.mark.parametrize("missing", ["ce-id", "ce-source", "ce-type", "ce-specversion"])
async def test_what_is_not_an_event_is_refused_with_the_reason(post: Any, kept: Kept, missing: str) -> None:
    answer = await post(headers={name: value for name, value in HEADERS.items() if name != missing})

    assert answer.status == 400
    assert f"{missing[3:]}: is missing".encode() in answer.body
    assert not kept.events


async def test_a_path_that_is_no_queue_is_not_found(post: Any) -> None:
    assert (await post(path="/queue/b")).status == 404


async def test_only_post_appends(post: Any) -> None:
    answer = await post(method="GET")

    assert answer.status == 405
    assert answer.header(b"allow") == b"POST"


async def test_who_comes_while_too_much_waits_is_told_to_come_again(post: Any, kept: Kept) -> None:
    kept.may.clear()
    first = asyncio.create_task(post())
    await asyncio.sleep(0)

    answer = await post()

    assert answer.status == 429
    assert answer.header(b"retry-after") == b"1"
    kept.may.set()
    assert (await first).status == 202
