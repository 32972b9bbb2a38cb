"""Nothing that is not a CloudEvent of version 1.0 becomes a handler's call: 400 with a reason, in every mode."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from receiver import serving

from patternapp.receiver import Event, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = {"specversion": "1.0", "id": "1", "source": "/test", "type": "ping"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCHED = {"content-type": "application/cloudevents-batch+json"}
APP = """
    from patternapp.receiver import Event, Receiver

    app = Receiver()

    @app.on()
    async def anything(event: Event[bytes | None]) -> None:
        print("handled", event, flush=True)
"""


class Request(NamedTuple):
    headers: dict[str, str]
    body: bytes


def binary(drop: str = "", body: bytes = b"{}", **attributes: str) -> Request:
    context = {**CONTEXT, **attributes}
    kept = {f"ce-{name}": value for name, value in context.items() if name != drop}
    return Request({"content-type": "application/json"} | kept, body)


def text_of(drop: str = "", **members: Any) -> str:
    return json.dumps({name: value for name, value in {**CONTEXT, **members}.items() if name != drop})


def structured(text: str | bytes) -> Request:
    return Request(STRUCTURED, text.encode() if isinstance(text, str) else text)


def batched(text: str | bytes) -> Request:
    """A batch whose second event is wrong."""
    body = text.encode() if isinstance(text, str) else text
    return Request(BATCHED, b"[" + text_of().encode() + b"," + body + b"]")


def with_text(text: str) -> str:
    """An event with one more member, as JSON text."""
    return f"{text_of()[:-1]}, {text}}}"


# What the SDK takes or breaks on, and a few more of the kind: what is wrong, and how it is said in JSON.
WRONG = {
    "no id": text_of(drop="id"),
    "no specversion": text_of(drop="specversion"),
    "no type": text_of(drop="type"),
    "no source": text_of(drop="source"),
    "another specversion": text_of(specversion="0.3"),
    "an empty id": text_of(id=""),
    "an id that is a number": text_of(id=1),
    "an id that is null": text_of(id=None),
    "a line break in the id": text_of(id="1\r\nx: y"),
    "a time that is none": text_of(time="yesterday"),
    "a time without its zone": text_of(time="2026-01-31T12:00:00"),
    "an extension that is an object": text_of(ext={"a": 1}),
    "an extension that is a list": text_of(ext=[1]),
    "an extension that is a fraction": text_of(ext=1.5),
    "an extension beyond 32 bits": text_of(ext=2**40),
    "an extension that is null and has no name": with_text('"": null'),
    "an extension that is null and has a capital in its name": text_of(Ext=None),
    "an extension with a line break in its name": text_of(**{"abc\n": "x"}),
    "an extension with a capital": text_of(Abc="x"),
    "NaN": with_text('"data": NaN'),
    "Infinity inside the data": with_text('"data": {"a": [Infinity]}'),
    "base64 that is none": text_of(data_base64="%%%"),
    "base64 that is an object": text_of(data_base64={}),
    "data twice": text_of(data=1, data_base64="AA=="),
    "a name twice": with_text('"id": "2"'),
    "an envelope as content type": text_of(datacontenttype="application/cloudevents+json", data="{}"),
    "JSON far too deep": with_text(f'"data": {"[" * 100_000}{"]" * 100_000}'),
    "a list": "[]",
    "a list with an event": f"[{text_of()}]",
    "a number": "1",
    "nothing": "",
    "no end": text_of()[:-1],
    "no JSON": "{'id': 1}",
}
IN_BINARY = {
    "no id": binary(drop="id"),
    "no specversion": binary(drop="specversion"),
    "no type": binary(drop="type"),
    "no source": binary(drop="source"),
    "another specversion": binary(specversion="0.3"),
    "an empty id": binary(id=""),
    "a line break in the id": binary(id="1%0d%0ax: y"),
    "a zero in the id": binary(id="1%00"),
    "an id that is not UTF-8": binary(id="%ff"),
    "a time that is none": binary(time="yesterday"),
    "a time without its zone": binary(time="2026-01-31T12:00:00"),
    "an extension with a dash in its name": Request({**binary().headers, "ce-a-b": "x"}, b"{}"),
    "an extension that data would be": binary(data="x"),
    "a content type as an attribute": binary(datacontenttype="text/plain"),
    "a content type that is none": Request({**binary().headers, "content-type": "json"}, b"{}"),
    "an event format that is not known": Request(
        {**binary().headers, "content-type": "application/cloudevents+xml"}, b""
    ),
    "nothing of an event": Request({"content-type": "application/json"}, b"{}"),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Served]:
    with serving.serving(tmp_path_factory.mktemp("bad-events"), app=APP) as running:
        yield running


def send(served: serving.Served, request: Request) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    head = f"POST / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}content-length: {len(request.body)}\r\n\r\n"
    return served.say(head.encode() + request.body)


@pytest.mark.parametrize(
    "request_",
    [
        *(pytest.param(structured(text), id=f"structured: {what}") for what, text in WRONG.items()),
        *(pytest.param(batched(text), id=f"batched: {what}") for what, text in WRONG.items()),
        *(pytest.param(request, id=f"binary: {what}") for what, request in IN_BINARY.items()),
        pytest.param(structured(b'{"id": "\xff"}'), id="structured: not UTF-8"),
        pytest.param(batched(b'{"id": "\xff"}'), id="batched: not UTF-8"),
        pytest.param(Request(BATCHED, text_of().encode()), id="batched: a single event"),
        pytest.param(Request(STRUCTURED | binary().headers | STRUCTURED, b"{}"), id="structured: only in its headers"),
    ],
)
def test_what_is_no_event_is_refused_with_a_reason(served: serving.Served, request_: Request) -> None:
    handled = served.handled

    said = send(served, request_)

    assert serving.statuses(said) == [400]
    assert b"application/problem+json" in said
    assert json.loads(said.partition(b"\r\n\r\n")[2])["detail"].startswith("not a CloudEvent: ")
    assert served.handled == handled


def test_headers_do_not_speak_for_another_event_than_the_body(served: serving.Served) -> None:
    spoofed = Request(binary(id="spoofed", type="other").headers | STRUCTURED, text_of(id="real").encode())

    said = send(served, spoofed)

    assert serving.statuses(said) == [204]
    assert "'id': 'real'" in served.output
    assert "spoofed" not in served.output


HEADER_NAMES = st.sampled_from(
    [b"content-type", b"ce-id", b"ce-source", b"ce-type", b"ce-specversion", b"ce-time", b"ce-x", b"ce-", b"host"]
)
CONTENT_TYPES = st.sampled_from(
    [b"application/json", b"application/cloudevents+json", b"application/cloudevents-batch+json", b"text/plain", b"x"]
)
HEADERS = st.lists(
    st.one_of(
        st.tuples(HEADER_NAMES, st.binary(max_size=12)),
        st.tuples(st.just(b"content-type"), CONTENT_TYPES),
        st.sampled_from([(f"ce-{name}".encode(), value.encode()) for name, value in CONTEXT.items()]),
    ),
    max_size=8,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.dictionaries(st.sampled_from([*CONTEXT, "time", "data", "data_base64", "x", "X"]), VALUES, max_size=6)
BODIES = st.one_of(
    st.binary(max_size=40),
    NEARLY.map(lambda members: json.dumps({**CONTEXT, **members}).encode()),
    st.lists(NEARLY, max_size=3).map(lambda events: json.dumps([{**CONTEXT, **one} for one in events]).encode()),
)


@settings(max_examples=300, deadline=None)
@given(headers=HEADERS, body=BODIES)
def test_whatever_comes_is_an_event_or_refused_and_never_a_failure_of_ours(
    headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    handled: list[Event[bytes | None]] = []
    app = Receiver()

    @app.on()
    async def anything(event: Event[bytes | None]) -> None:
        handled.append(event)

    status = asyncio.run(_status(app, headers, body))

    assert status in {200, 204, 400}
    assert bool(handled) <= (status != 400)
    for event in handled:
        assert event.attributes.keys() >= CONTEXT.keys()


async def _status(app: Receiver, headers: list[tuple[bytes, bytes]], body: bytes) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send_(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive, send_)
    return int(sent[0]["status"])
