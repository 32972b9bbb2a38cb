from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import strategies
from cloudevents.core.bindings import http as sdk
from hypothesis import given
from hypothesis import strategies as st

from patternapp import cloudevents, errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from patternapp.cloudevents import Event, Value

Message = tuple[list[tuple[str, str]], bytes]

NUMBERS_TOO: st.SearchStrategy[Value] = (
    strategies.TEXTS | st.booleans() | st.integers(min_value=-(2**31), max_value=2**31 - 1)
)
NAMES = ["id", "source", "type", "specversion", "data", "data_base64", "time", "datacontenttype"]
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"content-type", b"host", *(f"ce-{name}".encode() for name in NAMES)])
        | st.binary(max_size=6).map(lambda name: b"ce-" + name),
        st.sampled_from([b"1.0", b"a", b"application/json", cloudevents.STRUCTURED.encode(), b"2026-01-01T00:00:00Z"])
        | st.binary(max_size=20),
    ),
    max_size=9,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("1.0"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
)


def wire(message: Message) -> tuple[list[tuple[bytes, bytes]], bytes]:
    headers, body = message
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers], body


@given(strategies.events())
def test_an_event_comes_out_of_binary_mode_as_it_went_in(event: Event[bytes | None]) -> None:
    assert cloudevents.decode(*wire(cloudevents.encode_binary(event))) == event


@given(strategies.events(values=NUMBERS_TOO))
def test_an_event_comes_out_of_structured_mode_as_it_went_in(event: Event[bytes | None]) -> None:
    assert cloudevents.decode(*wire(cloudevents.encode_structured(event))) == event


@given(st.lists(strategies.events(values=NUMBERS_TOO), max_size=4))
def test_events_come_out_of_batched_mode_as_they_went_in(events: list[Event[bytes | None]]) -> None:
    assert cloudevents.decode_batch(*wire(cloudevents.encode_batch(events))) == tuple(events)


@given(strategies.events(values=NUMBERS_TOO))
def test_an_event_that_came_structured_can_go_on_in_binary_mode(event: Event[bytes | None]) -> None:
    came = cloudevents.decode(*wire(cloudevents.encode_structured(event)))

    gone = cloudevents.decode(*wire(cloudevents.encode_binary(came)))

    assert gone.data == event.data
    assert gone.attributes == {name: text_of(value) for name, value in event.attributes.items()}


@given(strategies.events())
def test_no_header_that_is_written_has_a_character_that_headers_may_not_have(event: Event[bytes | None]) -> None:
    headers, _ = cloudevents.encode_binary(event)

    for name, value in headers:
        allowed = range(0x20, 0x7F) if name == "content-type" else range(0x21, 0x7F)
        assert all(ord(character) in allowed for character in value)


@pytest.mark.parametrize("decode", [cloudevents.decode, cloudevents.decode_batch, cloudevents.is_batch])
@given(headers=HEADERS, body=st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_decoding_raises_nothing_but_its_own_error(
    decode: Callable[..., Any], headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    arguments = (headers,) if decode is cloudevents.is_batch else (headers, body)

    with contextlib.suppress(errors.CloudEventError):
        decode(*arguments)


@pytest.mark.parametrize(
    ("decode", "media"),
    [(cloudevents.decode, cloudevents.STRUCTURED), (cloudevents.decode_batch, cloudevents.BATCHED)],
)
@given(value=JSON)
def test_no_json_makes_decoding_raise_anything_else(decode: Callable[..., Any], media: str, value: object) -> None:
    body = json.dumps([value] if media == cloudevents.BATCHED else value).encode()

    with contextlib.suppress(errors.CloudEventError):
        decode([(b"content-type", media.encode())], body)


@pytest.mark.parametrize("encode", [cloudevents.encode_binary, cloudevents.encode_structured])
@given(event=strategies.events())
def test_the_sdk_reads_what_is_written_here(
    encode: Callable[[Event[bytes | None]], Message], event: Event[bytes | None]
) -> None:
    headers, body = encode(event)

    read = sdk.from_http_event(sdk.HTTPMessage(headers=dict(headers), body=body))

    for name in event.attributes.keys() - {"time"}:
        assert read.get_attributes()[name] == event.attributes[name]


@pytest.mark.parametrize("write", [sdk.to_binary_event, sdk.to_structured_event])
@given(event=strategies.events())
def test_what_the_sdk_writes_is_read_here(write: Callable[[Any], sdk.HTTPMessage], event: Event[bytes | None]) -> None:
    headers, body = cloudevents.encode_binary(event)
    theirs = sdk.from_binary_event(sdk.HTTPMessage(headers=dict(headers), body=body))

    message = write(theirs)
    read = cloudevents.decode(*wire((list(message.headers.items()), message.body)))

    for name in event.attributes.keys() - {"time"}:
        assert read.attributes[name] == event.attributes[name]


def text_of(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
