"""The dead-letter store over real sockets, in both of its databases: SQLite in a file, and a real PostgreSQL."""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import loopback
import pytest

from patternapp import cloudevents, sender
from patternapp_services import addresses, wire
from patternapp_services.dead_letters import api, database, redrive, sink, store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from patternapp_services.dead_letters.database import Database

NOW = 1_790_000_000.0


@dataclass
class Taker:
    """A receiver and a Broker: keeps what it is sent, and answers what it is told to."""

    status: int = 204
    reply: bool = False
    events: list[cloudevents.Event[bytes | None]] = field(default_factory=list)
    proofs: list[bytes | None] = field(default_factory=list)

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        body = await wire.read_body(scope, receive)
        self.proofs.append(dict(scope["headers"]).get(b"authorization"))
        self.events.append(cloudevents.decode(scope["headers"], body))
        if not self.reply:
            await wire.respond(send, self.status, body=b"no room" if self.status >= 300 else b"")
            return
        answer = cloudevents.Event({"specversion": "1.0", "id": "r", "source": "/orders", "type": "done"}, None)
        headers, content = cloudevents.encode_binary(answer)
        pairs = [(name.encode(), value.encode()) for name, value in headers]
        await wire.respond(send, 200, body=content, headers=pairs)


@dataclass
class Rig:
    """The store as it runs, with a receiver and a Broker of its app."""

    sink: str
    api: str
    orders: Taker
    orders_url: str
    broker: Taker
    http: sender.Sender

    async def fail(self, id_: str = "1", *, dest: str | None = None, data: bytes | None = b'{"a":1}') -> int:
        """Send a dead letter, as a Broker would; the status of the answer."""
        event = cloudevents.Event(
            {
                "specversion": "1.0",
                "id": id_,
                "source": "/shop",
                "type": "shop.order.placed",
                "datacontenttype": "application/json",
                "knativeerrordest": self.orders_url if dest is None else dest,
                "knativeerrorcode": 500,
                "knativeerrordata": base64.b64encode(b"no room").decode(),
            },
            data,
        )
        outcome = await self.http.send(self.sink, event, within=30)
        assert outcome.code is not None, outcome.error
        return outcome.code

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.http.session.get(f"{self.api}{path}", headers=headers) as answer:
            return answer.status, json.loads(await answer.read() or b"null") if answer.status != 400 else None

    async def post(self, path: str, wish: Any, kind: str = "application/json") -> tuple[int, Any]:
        headers = {"content-type": kind}
        async with self.http.session.post(f"{self.api}{path}", data=json.dumps(wish), headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def letters(self) -> list[Any]:
        _, found = await self.get("/api/dead-letters")
        letters: list[Any] = found["deadLetters"]
        return letters


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.component("postgres"))])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Opens the database of this test, also a second time."""
    if request.param == "sqlite":
        return lambda: database.sqlite(tmp_path / "letters.db")
    dsn = request.getfixturevalue("postgres_dsn")
    return lambda: database.postgres(dsn)


@pytest.fixture
async def rig(opened: Callable[[], Any], tmp_path: Path) -> AsyncIterator[Rig]:
    async with opened() as base, running(base, token=tmp_path / "token") as made:
        yield made


@contextlib.asynccontextmanager
async def running(base: Database, *, token: Path) -> AsyncIterator[Rig]:
    letters = store.Store(base, table="shop")
    await letters.prepare()
    orders, broker = Taker(), Taker()
    async with contextlib.AsyncExitStack() as stack:
        orders_url = await stack.enter_async_context(loopback.served(orders))
        broker_url = await stack.enter_async_context(loopback.served(broker))
        known = addresses.Addresses(sink=broker_url, token=token)
        targets: list[dict[str, Any]] = [
            {"name": "function/orders", "uri": orders_url},
            {"name": "broker", "sink": True},
        ]
        receivers = redrive.Receivers(targets, known)
        http = await stack.enter_async_context(sender.Sender())
        again = redrive.Redrive(letters, receivers, http, known)
        sink_url = await stack.enter_async_context(loopback.served(sink.Sink(letters, now=lambda: NOW)))
        app = api.Api("shop", store=letters, receivers=receivers, redrive=again).app()
        api_url = await stack.enter_async_context(loopback.served(app))
        yield Rig(sink_url, api_url, orders, orders_url, broker, http)


async def test_a_dead_letter_is_kept_with_its_failure_and_listed(rig: Rig) -> None:
    status = await rig.fail()

    assert status == 202
    assert await rig.letters() == [
        {
            "delivery": 1,
            "event": 1,
            "id": "1",
            "source": "/shop",
            "type": "shop.order.placed",
            "edge": "function/orders",
            "subscriber": rig.orders_url,
            "reason": "no room",
            "code": 500,
            "attempts": 1,
            "at": "2026-09-21T14:13:20Z",
        }
    ]


async def test_a_letter_is_shown_whole_and_without_the_failures_attributes(rig: Rig) -> None:
    await rig.fail()

    status, shown = await rig.get("/api/events/1")

    assert (status, shown["data"]) == (200, {"a": 1})
    assert set(shown["attributes"]) == {"specversion", "id", "source", "type", "datacontenttype"}
    assert shown["deliveries"][0]["reason"] == "no room"


async def test_a_letter_that_comes_twice_is_one_letter(rig: Rig) -> None:
    await rig.fail()
    await rig.fail(data=b'{"a":2}')

    (letter,) = await rig.letters()

    assert letter["attempts"] == 2


async def test_the_same_event_failed_by_two_receivers_is_two_letters(rig: Rig) -> None:
    await rig.fail()
    await rig.fail(dest="http://elsewhere.example/")

    assert [letter["edge"] for letter in await rig.letters()] == ["function/orders", "http://elsewhere.example/"]


async def test_letters_are_there_again_after_a_restart(opened: Callable[[], Any], tmp_path: Path) -> None:
    async with opened() as base, running(base, token=tmp_path / "token") as first:
        await first.fail("kept")

    async with opened() as base, running(base, token=tmp_path / "token") as second:
        assert [letter["id"] for letter in await second.letters()] == ["kept"]


async def test_a_redriven_letter_reaches_its_receiver_as_it_was_and_leaves_the_store(rig: Rig) -> None:
    await rig.fail()

    answer = await rig.post("/api/dead-letters/redrive", {"deliveries": [1]})

    assert answer == (200, {"redriven": 1, "failed": []})
    (event,) = rig.orders.events
    assert event.data == b'{"a":1}'
    assert not [name for name in event.attributes if name.startswith("knativeerror")]
    assert await rig.letters() == []


async def test_a_letter_that_fails_again_stays_and_the_answer_says_why(rig: Rig) -> None:
    await rig.fail()
    rig.orders.status = 503

    _, answer = await rig.post("/api/dead-letters/redrive", {"all": True})

    assert answer["redriven"] == 0
    assert answer["failed"][0]["delivery"] == 1
    assert "503" in answer["failed"][0]["reason"]
    assert len(await rig.letters()) == 1


async def test_a_reply_to_a_redriven_letter_goes_to_the_broker(rig: Rig) -> None:
    await rig.fail()
    rig.orders.reply = True

    _, answer = await rig.post("/api/dead-letters/redrive", {"all": True})

    assert answer["redriven"] == 1
    assert [event.attributes["type"] for event in rig.broker.events] == ["done"]


async def test_only_the_broker_is_told_who_sends(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("it is me\n")
    await rig.fail()
    rig.orders.reply = True

    await rig.post("/api/dead-letters/redrive", {"all": True})

    assert (rig.orders.proofs, rig.broker.proofs) == ([None], [b"Bearer it is me"])


async def test_a_letter_stays_while_the_broker_does_not_take_its_reply(rig: Rig) -> None:
    await rig.fail()
    rig.orders.reply, rig.broker.status = True, 500

    _, answer = await rig.post("/api/dead-letters/redrive", {"all": True})

    assert answer["redriven"] == 0
    assert "not its reply" in answer["failed"][0]["reason"]
    assert len(await rig.letters()) == 1


async def test_nothing_is_sent_to_an_address_that_only_the_letter_names(rig: Rig) -> None:
    stranger = Taker()
    async with loopback.served(stranger) as url:
        await rig.fail(dest=url)

        _, answer = await rig.post("/api/dead-letters/redrive", {"all": True})

    assert "no receiver of this app" in answer["failed"][0]["reason"]
    assert stranger.events == []


async def test_a_redrive_of_all_goes_through_every_page(rig: Rig) -> None:
    for number in range(api.PAGE + 5):
        assert await rig.fail(str(number)) == 202

    _, answer = await rig.post("/api/dead-letters/redrive", {"all": True})

    assert (answer["redriven"], answer["after"]) == (api.PAGE + 5, None)
    assert len(rig.orders.events) == api.PAGE + 5


async def test_purged_letters_are_gone_and_the_others_stay(rig: Rig) -> None:
    for id_ in ("1", "2", "3"):
        await rig.fail(id_)

    answer = await rig.post("/api/dead-letters/purge", {"deliveries": [2, 99]})

    assert answer == (200, {"purged": 1})
    assert [letter["id"] for letter in await rig.letters()] == ["1", "3"]
    assert await rig.post("/api/dead-letters/purge", {"all": True}) == (200, {"purged": 2})


async def test_what_is_no_event_is_refused_for_good(rig: Rig) -> None:
    async with rig.http.session.post(rig.sink, data=b"{}", headers={"content-type": "application/json"}) as answer:
        body = await answer.json(content_type=None)

    assert answer.status == 400
    assert "not a CloudEvent" in body["detail"]
    assert await rig.letters() == []


async def test_the_api_is_closed_to_web_pages(rig: Rig) -> None:
    foreign, _ = await rig.get("/api/dead-letters", host="evil.example")
    form, problem = await rig.post("/api/dead-letters/purge", {"all": True}, kind="text/plain")

    assert foreign == 400
    assert (form, problem["detail"]) == (415, "send application/json")


@pytest.mark.parametrize("wish", [{}, {"deliveries": ["1"]}, {"deliveries": [True]}, {"all": False}, [1]])
async def test_a_wish_that_names_no_letters_is_refused(rig: Rig, wish: Any) -> None:
    status, problem = await rig.post("/api/dead-letters/purge", wish)

    assert status == 400
    assert "say which" in problem["detail"]


async def test_while_the_database_is_away_a_letter_is_to_be_sent_again() -> None:
    async with database.postgres("postgresql://nobody@127.0.0.1:1/none") as base, sender.Sender() as http:
        letters = store.Store(base, table="shop")
        async with loopback.served(sink.Sink(letters, now=lambda: NOW)) as url:
            event = cloudevents.Event({"specversion": "1.0", "id": "1", "source": "/a", "type": "t"}, None)

            outcome = await http.send(url, event, within=30)

    assert (outcome.code, outcome.retry_after) == (503, 1.0)


def test_services_are_found_by_any_of_their_names_and_called_by_the_whole_one() -> None:
    known = addresses.Addresses(domain="here.svc.cluster.local")
    targets: list[dict[str, Any]] = [{"name": "queue/invoices", "service": "shop-enqueue", "path": "/queue/invoices"}]
    receivers = redrive.Receivers(targets, known)

    found = [
        receivers.at(f"http://{host}/queue/invoices")
        for host in ("shop-enqueue", "shop-enqueue.here", "shop-enqueue.here.svc.cluster.local")
    ]
    elsewhere = receivers.at("http://shop-enqueue.here.svc.cluster.local/queue/other")

    url = "http://shop-enqueue.here.svc.cluster.local/queue/invoices"
    assert found == [redrive.Receiver("queue/invoices", url)] * 3
    assert elsewhere is None
