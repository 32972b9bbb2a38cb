"""What the ingress of `dev` has beyond any Broker's: topics, batches, problems, numbers, and a store that fails."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import loopback
import pytest
import runtime_parts

from patternapp.runtime.bells import Bells
from patternapp.runtime.eventing.broker import Broker
from patternapp.runtime.store import reads, schema
from patternapp.runtime.web.ingress import Ingress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from patternapp.runtime.store.commits import Store
    from patternapp.runtime.store.records import Ledger

PLAN = runtime_parts.plan_of(
    runtime_parts.stream("clicks", "raw"),
    runtime_parts.trigger("event-driven/a", "ping"),
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Target:
    """A Broker: its URL, and its store's file."""

    url: str
    path: Path
    store: Store
    session: aiohttp.ClientSession

    async def request(
        self, method: str, path: str = "/events", *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        async with self.session.request(
            method, self.url + path, headers=headers, data=io.BytesIO(body) if body else None
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    def ledger(self) -> Ledger:
        """The ledger as somebody else reads it from the file."""
        connection = schema.connect_for_reading(self.path)
        try:
            return reads.Reads(connection).ledger()
        finally:
            connection.close()

    def event(self, number: int) -> dict[str, object] | None:
        """An event as somebody else reads it from the file."""
        connection = schema.connect_for_reading(self.path)
        try:
            return reads.Reads(connection).event(number)
        finally:
            connection.close()


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    path = tmp_path / "store.db"
    async with runtime_parts.opened(path) as store, aiohttp.ClientSession() as session:
        broker = Broker(PLAN, store=store, bells=Bells(), clock=runtime_parts.HandClock())
        async with loopback.served(Ingress(broker)) as url:
            yield Target(url, path, store, session)


EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/test", "ce-type": "ping"}
BATCHED = {"content-type": "application/cloudevents-batch+json"}
PING = {"specversion": "1.0", "id": "1", "source": "/test", "type": "ping"}


@dataclass(frozen=True)
class Row:
    sentence: str
    status: int
    method: str = "POST"
    path: str = "/events"
    headers: dict[str, str] = field(default_factory=lambda: EVENT)
    body: bytes = b""
    accepted: int = 0
    says: str = ""


ROWS = [
    Row(
        "Events in batched mode are taken together",
        202,
        headers=BATCHED,
        body=json.dumps([PING, {**PING, "id": "2"}]).encode(),
        accepted=2,
    ),
    Row("An empty batch is taken", 202, headers=BATCHED, body=b"[]"),
    Row("An event for a topic that a stream reads is taken", 202, path="/topics/raw", accepted=1),
    Row("Another method is told which is meant", 405, method="GET", says="events are sent with POST"),
    Row("Another path is told which is meant", 404, path="/events/else", says="events are posted to"),
    Row("A topic that no stream reads is not there", 404, path="/topics/else", says="topics: raw"),
    Row("A batch that is no list is refused", 400, headers=BATCHED, body=b"{}", says="body: "),
    Row(
        "A batch with one event that is none is refused whole",
        400,
        headers=BATCHED,
        body=json.dumps([PING, {**PING, "id": ""}]).encode(),
        says="[1].id: is empty",
    ),
    Row(
        "A batch with one event that went round too often is refused whole",
        400,
        headers=BATCHED,
        body=json.dumps([PING, {**PING, "knativebrokerttl": "0"}]).encode(),
        says="knativebrokerttl is used up",
    ),
    Row("What is wrong with an event is said", 400, headers={**EVENT, "ce-id": ""}, says="id: is empty"),
    Row("A body of 1 MiB is taken", 202, body=bytes(1024 * 1024), accepted=1),
    Row("A body of 2 MiB is refused", 413, body=bytes(2 * 1024 * 1024), says="longer than the 1048576 bytes"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
async def test_the_ingress_answers_as_the_row_says(target: Target, row: Row) -> None:
    answer = await target.request(row.method, row.path, headers=row.headers, body=row.body)

    assert answer.status == row.status
    ledger = target.ledger()
    assert (ledger.accepted, ledger.balanced) == (row.accepted, True)
    if row.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = json.loads(answer.body)
        assert problem["status"] == row.status
        assert row.says in problem["detail"]


async def test_a_202_carries_the_number_of_an_event_that_is_durable_by_then(target: Target) -> None:
    answer = await target.request("POST", headers={**EVENT, "content-type": "application/json"}, body=b'{"n":1}')

    known = target.event(int(answer.headers["patternapp-event"]))
    assert answer.body == b""
    assert known is not None
    assert (known["id"], known["origin"], known["data"]) == ("1", "ingress", {"n": 1})


async def test_a_batch_carries_the_numbers_of_its_events_in_their_order(target: Target) -> None:
    batch = [{**PING, "id": str(number)} for number in range(3)]

    answer = await target.request("POST", headers=BATCHED, body=json.dumps(batch).encode())

    numbers = [int(number) for number in answer.headers["patternapp-event"].split(",")]
    events = [target.event(number) for number in numbers]
    assert [event["id"] for event in events if event is not None] == ["0", "1", "2"]


async def test_an_event_on_a_topic_is_for_its_streams_and_no_trigger(target: Target) -> None:
    answer = await target.request("POST", "/topics/raw", headers=EVENT)

    known = target.event(int(answer.headers["patternapp-event"]))
    assert known is not None
    assert known["origin"] == "topic/raw"
    deliveries = known["deliveries"]
    assert isinstance(deliveries, list)
    assert [delivery["edge"] for delivery in deliveries] == ["stream/clicks"]


async def test_a_store_that_cannot_write_is_a_503_and_nothing_was_kept(target: Target) -> None:
    await runtime_parts.fill_up(target.store)

    answer = await target.request("POST", headers=EVENT, body=bytes(100_000))

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "the store could not write" in json.loads(answer.body)["detail"]
    assert target.ledger().accepted == 0


async def test_a_sender_that_repeats_after_the_503_is_taken_once_there_is_room(target: Target) -> None:
    await runtime_parts.fill_up(target.store)
    assert (await target.request("POST", headers=EVENT, body=bytes(100_000))).status == 503

    await runtime_parts.make_room(target.store)

    assert (await target.request("POST", headers=EVENT, body=bytes(100_000))).status == 202
    assert target.ledger().accepted == 1


async def test_a_closed_store_is_a_503(target: Target) -> None:
    await target.store.close()

    assert (await target.request("POST", headers=EVENT)).status == 503


async def test_a_sender_that_hangs_up_in_the_middle_of_an_event_leaves_nothing_behind(target: Target) -> None:
    host, port = target.url.removeprefix("http://").split(":")
    head = "".join(f"{name}: {value}\r\n" for name, value in EVENT.items())
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /events HTTP/1.1\r\nhost: x\r\n{head}content-length: 100\r\n\r\nhalf".encode())
    await writer.drain()

    writer.write_eof()
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()

    assert (await target.request("POST", headers=EVENT)).status == 202
    assert target.ledger().accepted == 1
