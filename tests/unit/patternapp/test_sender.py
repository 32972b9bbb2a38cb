"""What the sender makes of real answers, and of what is none."""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import json
import socket
from typing import TYPE_CHECKING, Any

import loopback
import pytest

from patternapp import cloudevents, delivery, receiver, sender
from patternapp.cloudevents import Event
from patternapp.http import server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from patternapp.delivery import Outcome

BINARY = {"ce-specversion": "1.0", "ce-id": "2", "ce-source": "/f", "ce-type": "pong"}
STRUCTURED = json.dumps({"specversion": "1.0", "id": "2", "source": "/f", "type": "pong", "data": 1}).encode()
PING: Event[bytes | None] = Event(
    {"specversion": "1.0", "id": "1", "source": "/test", "type": "ping", "datacontenttype": "application/json"}, b"{}"
)


class Subscriber:
    """Keeps the request and gives the answer it was told."""

    def __init__(self, status: int = 204, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.answer = (status, headers or {}, body)
        self.requests = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.requests += 1
        self.headers = list(scope["headers"])
        self.body = b""
        more = True
        while more:
            message = await receive()
            self.body += message["body"]
            more = message["more_body"]
        status, headers, body = self.answer
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def sending() -> AsyncIterator[sender.Sender]:
    async with sender.Sender() as opened:
        yield opened


async def answered(
    sending: sender.Sender, status: int, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Outcome:
    async with loopback.served(Subscriber(status, headers, body)) as url:
        return await sending.send(url, PING, within=10)


async def sent(sending: sender.Sender, event: Event[bytes | None], **headers: str) -> Subscriber:
    subscriber = Subscriber()
    async with loopback.served(subscriber) as url:
        outcome = await sending.send(url, event, within=10, headers=headers)
    assert outcome.code == 204
    return subscriber


async def test_an_event_arrives_in_binary_mode_and_asks_for_a_reply(sending: sender.Sender) -> None:
    subscriber = await sent(sending, PING)

    assert cloudevents.decode(subscriber.headers, subscriber.body) == PING
    assert (b"prefer", b"reply") in subscriber.headers


async def test_an_event_without_a_content_type_arrives_without_one(sending: sender.Sender) -> None:
    attributes = {"specversion": "1.0", "id": "1", "source": "/test", "type": "ping"}

    subscriber = await sent(sending, Event(attributes, b"raw"))

    assert cloudevents.decode(subscriber.headers, subscriber.body) == Event(attributes, b"raw")


async def test_an_event_without_data_arrives_without_data(sending: sender.Sender) -> None:
    subscriber = await sent(sending, Event(PING.attributes, None))

    assert cloudevents.decode(subscriber.headers, subscriber.body) == Event(PING.attributes, None)


async def test_the_caller_can_add_headers(sending: sender.Sender) -> None:
    subscriber = await sent(sending, PING, **{"patternapp-event": "17"})

    assert (b"patternapp-event", b"17") in subscriber.headers


async def test_a_body_of_900_kib_arrives_whole(sending: sender.Sender) -> None:
    data = bytes(range(256)) * 3600

    subscriber = await sent(sending, Event({**PING.attributes, "datacontenttype": "image/png"}, data))

    assert subscriber.body == data


async def test_a_batch_arrives_in_batched_mode(sending: sender.Sender) -> None:
    events = [Event({**PING.attributes, "id": str(number)}, b'{"n":1}') for number in range(3)]
    subscriber = Subscriber()

    async with loopback.served(subscriber) as url:
        await sending.send_batch(url, events, within=10)

    assert list(cloudevents.decode_batch(subscriber.headers, subscriber.body)) == events


async def test_the_answer_to_a_batch_is_handed_over_whole(sending: sender.Sender) -> None:
    answer = b"[" + b"1," * 100_000 + b"1]"

    async with loopback.served(Subscriber(200, {"content-type": "application/json"}, answer)) as url:
        outcome = await sending.send_batch(url, [PING], within=10)

    assert (outcome.code, outcome.error, outcome.body) == (200, None, answer)


async def test_204_is_an_answer_without_a_reply(sending: sender.Sender) -> None:
    outcome = await answered(sending, 204)

    assert (outcome.code, outcome.reply, outcome.error, outcome.body) == (204, None, None, b"")


async def test_an_empty_200_is_an_answer_without_a_reply(sending: sender.Sender) -> None:
    outcome = await answered(sending, 200)

    assert (outcome.code, outcome.reply, outcome.error) == (200, None, None)


async def test_an_event_in_binary_mode_is_the_reply(sending: sender.Sender) -> None:
    outcome = await answered(sending, 200, {**BINARY, "content-type": "text/plain"}, b"pong")

    attributes = {"specversion": "1.0", "id": "2", "source": "/f", "type": "pong", "datacontenttype": "text/plain"}
    assert (outcome.code, outcome.error, outcome.reply) == (200, None, Event(attributes, b"pong"))


async def test_an_event_of_headers_alone_is_the_reply(sending: sender.Sender) -> None:
    outcome = await answered(sending, 200, BINARY)

    assert outcome.reply == Event({"specversion": "1.0", "id": "2", "source": "/f", "type": "pong"}, None)


async def test_an_event_in_structured_mode_is_the_reply(sending: sender.Sender) -> None:
    outcome = await answered(sending, 200, {"content-type": "application/cloudevents+json"}, STRUCTURED)

    assert outcome.reply is not None
    assert (outcome.reply.attributes["type"], outcome.reply.data, outcome.error) == ("pong", b"1", None)


async def test_an_event_in_a_202_is_no_reply(sending: sender.Sender) -> None:
    outcome = await answered(sending, 202, BINARY, b"pong")

    assert (outcome.code, outcome.reply, outcome.error) == (202, None, None)


async def test_a_2xx_body_that_is_no_event_is_an_error_that_says_what_to_answer(sending: sender.Sender) -> None:
    outcome = await answered(sending, 200, {"content-type": "application/json"}, b"null")

    assert outcome.code == 200
    assert outcome.error == (
        "the body (application/json, 4 bytes) is not a CloudEvent; answer 204 with no body, or return an event"
    )


@pytest.mark.parametrize(
    ("headers", "body", "error"),
    [
        (
            {"content-type": "application/cloudevents+json"},
            b"{}",
            "the reply is not a CloudEvent: id: is missing",
        ),
        (
            {"content-type": "application/cloudevents-batch+json"},
            b"[]",
            "the reply is not a CloudEvent: content-type: is a batch, where one event is wanted",
        ),
        (
            {**BINARY, "ce-specversion": "0.3"},
            b"",
            "the reply is not a CloudEvent: specversion: is not 1.0",
        ),
    ],
    ids=["empty structured", "batch", "old version"],
)
async def test_a_malformed_reply_is_an_error_that_names_the_attribute(
    sending: sender.Sender, headers: dict[str, str], body: bytes, error: str
) -> None:
    outcome = await answered(sending, 200, headers, body)

    assert (outcome.code, outcome.reply, outcome.error) == (200, None, error)


async def test_a_redirect_is_an_answer_and_not_followed(sending: sender.Sender) -> None:
    subscriber = Subscriber(307, {"location": "/elsewhere"})

    async with loopback.served(subscriber) as url:
        outcome = await sending.send(url, PING, within=10)

    assert (outcome.code, subscriber.requests) == (307, 1)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254"])
async def test_a_name_that_turns_out_to_be_the_metadata_is_not_called(
    address: str, sending: sender.Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: what the name was when the app was read does not count."""
    v6 = ":" in address
    family, place = (socket.AF_INET6, (address, 80, 0, 0)) if v6 else (socket.AF_INET, (address, 80))
    rebound = [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rebound)

    outcome = await sending.send("http://rebound.example/", PING, within=10)

    assert outcome.unreached
    assert "link-local and metadata addresses are not called" in (outcome.error or "")


async def test_of_the_addresses_of_a_name_those_that_are_called_are_left(
    sending: sender.Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriber = Subscriber(204)

    async with loopback.served(subscriber) as url:
        port = int(url.rpartition(":")[2].strip("/"))
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for address in ("169.254.169.254", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        outcome = await sending.send(f"http://both.example:{port}/", PING, within=10)

    assert (outcome.code, subscriber.requests) == (204, 1)


async def test_a_receiver_that_hangs_is_given_up_within_the_limit(sending: sender.Sender) -> None:
    left = asyncio.Event()

    async def hanging(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    async with loopback.served(hanging) as url:
        outcome = await sending.send(url, PING, within=0.1)
        await asyncio.wait_for(left.wait(), 10)

    assert (outcome.code, outcome.error) == (None, "no answer within 0.1 s")
    assert 0.1 <= outcome.seconds < 5


async def test_a_refused_connection_is_an_outcome_without_a_code(sending: sender.Sender) -> None:
    with server.listen("127.0.0.1", 0) as closed:
        port = closed.getsockname()[1]

    outcome = await sending.send(f"http://127.0.0.1:{port}/", PING, within=10)

    assert outcome.code is None
    assert outcome.error is not None
    assert outcome.error.startswith("no answer: Cannot connect to host")
    assert outcome.unreached


@pytest.mark.parametrize(
    "bytes_",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "half a body", "half a chunk", "another protocol", "a huge header"],
)
async def test_an_answer_that_is_cut_off_or_not_http_is_an_outcome_without_a_code(
    sending: sender.Sender, bytes_: bytes
) -> None:
    async with loopback.answering(bytes_) as url:
        outcome = await sending.send(url, PING, within=10)

    assert outcome.code is None
    assert outcome.error is not None
    assert outcome.error.startswith("no answer: ")
    assert not outcome.unreached


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:99999/"])
async def test_an_address_that_is_none_is_an_outcome_without_a_code(sending: sender.Sender, url: str) -> None:
    outcome = await sending.send(url, PING, within=10)

    assert (outcome.destination, outcome.code) == (url, None)
    assert outcome.error


async def test_a_2xx_answer_over_1_mib_is_an_error_and_cut(sending: sender.Sender) -> None:
    outcome = await answered(sending, 200, BINARY, b"x" * (sender.ANSWER_LIMIT + 1))

    assert (outcome.code, outcome.reply) == (200, None)
    assert outcome.error == "the answer is longer than 1048576 bytes"
    assert len(outcome.body) == sender.ANSWER_LIMIT


async def test_a_refusal_over_1_mib_is_still_a_refusal(sending: sender.Sender) -> None:
    outcome = await answered(sending, 422, body=b"x" * (sender.ANSWER_LIMIT + 1))

    decision = delivery.decide(outcome, attempt=1, spec=delivery.DeliverySpec())
    assert decision == delivery.DeadLetter("answered 422: " + "x" * delivery.SAID_LIMIT)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_read_in_seconds(sending: sender.Sender, status: int) -> None:
    outcome = await answered(sending, status, {"retry-after": "120"})

    assert outcome.retry_after == 120.0


async def test_retry_after_is_read_as_a_date(sending: sender.Sender) -> None:
    date = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)

    outcome = await answered(sending, 503, {"retry-after": email.utils.format_datetime(date, usegmt=True)})

    assert outcome.retry_after == pytest.approx(90, abs=10)


async def test_retry_after_of_the_past_is_now(sending: sender.Sender) -> None:
    outcome = await answered(sending, 503, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"})

    assert outcome.retry_after == 0.0


@pytest.mark.parametrize(
    "value", ["soon", "-1", "1.5", "Mon, 01 Jan 2026 00:00:00 -0000", f"Mon, 01 Jan 2026 00:00:00 +{'9' * 20}"]
)
async def test_retry_after_that_says_nothing_is_left_out(sending: sender.Sender, value: str) -> None:
    outcome = await answered(sending, 503, {"retry-after": value})

    assert (outcome.code, outcome.retry_after) == (503, None)


async def test_retry_after_of_another_answer_is_left_out(sending: sender.Sender) -> None:
    outcome = await answered(sending, 500, {"retry-after": "120"})

    assert outcome.retry_after is None


async def test_an_event_that_cannot_be_written_is_an_outcome_too(sending: sender.Sender) -> None:
    endless = cloudevents.with_attributes(PING, knativeerrordata="x" * 70_000)

    outcomes = [
        await sending.send("http://127.0.0.1:9/", endless, within=10),
        await sending.send_batch("http://127.0.0.1:9/", [endless], within=10),
    ]

    assert [outcome.error for outcome in outcomes] == [
        "the event cannot be sent: attributes: are longer than 65536 characters together",
        "the batch cannot be sent: attributes: are longer than 65536 characters together",
    ]


async def test_a_receiver_of_ours_takes_what_is_sent(sending: sender.Sender) -> None:
    app = receiver.Receiver()

    @app.on("ping", reply="pong")
    def reply(data: dict[str, Any]) -> dict[str, Any]:
        return {"seen": data}

    async with loopback.served(app) as url:
        outcome = await sending.send(url, PING, within=10)

    assert outcome.reply is not None
    assert json.loads(outcome.reply.data or b"") == {"seen": {}}


def test_a_sender_that_was_not_opened_says_how_to_use_it() -> None:
    with pytest.raises(RuntimeError, match="inside `async with`"):
        _ = sender.Sender().session
