from __future__ import annotations

import json
from typing import Any

import pytest

from patternapp import cloudevents, errors
from patternapp.cloudevents import Event

CONTEXT = {"id": "1", "source": "/shop", "type": "shop.order.placed", "specversion": "1.0"}
CE_HEADERS = [(f"ce-{name}".encode(), value.encode()) for name, value in CONTEXT.items()]
JSON_TYPE = (b"content-type", b"application/json")
STRUCTURED = [(b"content-type", b"application/cloudevents+json; charset=utf-8")]
BATCHED = [(b"content-type", b"application/cloudevents-batch+json")]


def binary(*headers: tuple[bytes, bytes], without: str = "") -> list[tuple[bytes, bytes]]:
    return [header for header in CE_HEADERS if header[0] != f"ce-{without}".encode()] + list(headers)


def structured(**members: Any) -> bytes:
    return json.dumps({**CONTEXT, **members}).encode()


def members(text: str) -> bytes:
    return structured()[:-1] + b"," + text.encode() + b"}"


def test_a_binary_message_is_an_event_of_its_headers_and_body() -> None:
    event = cloudevents.decode(binary(JSON_TYPE, (b"ce-priority", b"high"), (b"host", b"shop")), b'{"a":1}')

    assert event == Event({**CONTEXT, "priority": "high", "datacontenttype": "application/json"}, b'{"a":1}')


def test_a_binary_message_without_a_body_has_no_data() -> None:
    assert cloudevents.decode(CE_HEADERS, b"").data is None


@pytest.mark.parametrize("attribute", CONTEXT)
def test_a_binary_message_without_a_required_attribute_is_refused(attribute: str) -> None:
    with pytest.raises(errors.CloudEventError) as caught:
        cloudevents.decode(binary(without=attribute), b"")

    assert (caught.value.attribute, caught.value.reason) == (attribute, "is missing")


@pytest.mark.parametrize("attribute", CONTEXT)
def test_a_structured_message_without_a_required_attribute_is_refused(attribute: str) -> None:
    body = json.dumps({name: value for name, value in CONTEXT.items() if name != attribute}).encode()

    with pytest.raises(errors.CloudEventError) as caught:
        cloudevents.decode(STRUCTURED, body)

    assert (caught.value.attribute, caught.value.reason) == (attribute, "is missing")


@pytest.mark.parametrize(
    ("header", "value", "attribute"),
    [
        (b"ce-specversion", b"0.3", "specversion"),
        (b"ce-specversion", b"1.0.2", "specversion"),
        (b"ce-id", b"", "id"),
        (b"ce-source", b" ", "source"),
        (b"ce-type", b'""', "type"),
        (b"ce-subject", b"", "subject"),
        (b"ce-dataschema", b"", "dataschema"),
        (b"ce-id", b"1%0d%0aX-Evil: 1", "id"),
        (b"ce-id", b"%00", "id"),
        (b"ce-id", b"%7F", "id"),
        (b"ce-id", b"%C2%85", "id"),
        (b"ce-id", b"%EF%BF%BF", "id"),
        (b"ce-id", b"\xff", "id"),
        (b"ce-id", b"%C0%A0", "id"),
        (b"ce-id", b"%ED%A0%80", "id"),
        (b"ce-id", b'"never ends', "id"),
        (b"ce-abc\n", b"x", "'abc\\n'"),
        (b"ce-Abc", b"x", "Abc"),
        (b"ce-a-b", b"x", "'a-b'"),
        (b"ce-", b"x", "''"),
        (b"ce-\xe9", b"x", "'\\xe9'"),
        (b"ce-data", b"x", "data"),
        (b"ce-data_base64", b"x", "'data_base64'"),
        (b"ce-datacontenttype", b"text/plain", "datacontenttype"),
        (b"ce-long", b"x" * 65_536, "attributes"),
        (b"content-type", b"json", "datacontenttype"),
        (b"content-type", b"", "datacontenttype"),
        (b"content-type", b"text/plain\xe9", "datacontenttype"),
        (b"content-type", b"application/cloudevents+avro", "content-type"),
        (b"content-type", b"application/cloudevents-batch+json", "content-type"),
    ],
)
def test_a_binary_message_with_a_wrong_header_is_refused(header: bytes, value: bytes, attribute: str) -> None:
    with pytest.raises(errors.CloudEventError) as caught:
        cloudevents.decode(binary((header, value), without=header.decode("latin-1").removeprefix("ce-")), b"")

    assert caught.value.attribute == attribute


@pytest.mark.parametrize("header", [(b"ce-id", b"2"), (b"ce-id", b"1")])
def test_an_attribute_that_is_there_twice_is_refused(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(errors.CloudEventError, match="id: is there twice"):
        cloudevents.decode(binary(header), b"")


def test_a_content_type_that_is_there_twice_is_refused() -> None:
    with pytest.raises(errors.CloudEventError, match="content-type: is there twice"):
        cloudevents.decode(binary(JSON_TYPE, STRUCTURED[0]), structured())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a%20b%22%25", 'a b"%'),
        (b"%e2%82%ac", "€"),
        ("€".encode(), "€"),
        (b"100%", "100%"),
        (b"%zz", "%zz"),
        (b"a%2520", "a%20"),
        (b'"a \\"b\\" %41"', 'a "b" A'),
        (b" \ta ", "a"),
        (b"", ""),
    ],
)
def test_header_values_are_unquoted_and_percent_decoded_once(value: bytes, text: str) -> None:
    assert cloudevents.decode(binary((b"ce-note", value)), b"").attributes["note"] == text


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00.5z",
        "2026-01-31T12:00:00.123456789+05:30",
        "2024-02-29T23:59:59-00:00",
    ],
)
def test_an_rfc_3339_time_is_kept_as_it_is(time: str) -> None:
    assert cloudevents.decode(binary((b"ce-time", time.encode())), b"").attributes["time"] == time


@pytest.mark.parametrize(
    "time",
    [
        "yesterday",
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-02-30T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00+0530",
        "2026-W05-6T12:00:00Z",
        "20260131T120000Z",
        "٢٠٢٦-01-31T12:00:00Z",
    ],
)
def test_any_other_time_is_refused(time: str) -> None:
    with pytest.raises(errors.CloudEventError, match=r"time: is not an RFC 3339 time"):
        cloudevents.decode(STRUCTURED, structured(time=time))


@pytest.mark.parametrize("schema", ["https://example.com/order.json", "urn:order:1"])
def test_a_schema_is_an_absolute_uri(schema: str) -> None:
    assert cloudevents.decode(STRUCTURED, structured(dataschema=schema)).attributes["dataschema"] == schema


@pytest.mark.parametrize("schema", ["order.json", "/order.json", "//example.com/order.json", "1a:b", ":"])
def test_a_schema_that_is_a_relative_one_is_refused(schema: str) -> None:
    with pytest.raises(errors.CloudEventError, match=r"dataschema: is not an absolute URI"):
        cloudevents.decode(STRUCTURED, structured(dataschema=schema))


def test_the_content_type_decides_the_mode_and_headers_beside_a_structured_event_are_not_read() -> None:
    headers = [*STRUCTURED, (b"ce-id", b"forged"), (b"ce-type", b"\xff"), (b"ce-id", b"again")]

    assert cloudevents.decode(headers, structured()).attributes == CONTEXT


@pytest.mark.parametrize("media", [b"application/cloudevents+json", b"Application/CloudEvents+JSON ;charset=utf-8"])
def test_the_media_type_of_a_structured_message_is_read_in_any_case_and_without_parameters(media: bytes) -> None:
    assert cloudevents.decode([(b"content-type", media)], structured()).attributes["id"] == "1"


def test_attributes_that_are_null_are_not_there() -> None:
    event = cloudevents.decode(STRUCTURED, structured(subject=None, ext=None, data=None, data_base64=None))

    assert event == Event(CONTEXT, None)


def test_numbers_and_booleans_of_a_structured_event_stay_what_they_are() -> None:
    event = cloudevents.decode(STRUCTURED, structured(count=-3, urgent=True))

    assert (event.attributes["count"], event.attributes["urgent"]) == (-3, True)


@pytest.mark.parametrize(
    ("extra", "attribute"),
    [
        ('"x": {}', "x"),
        ('"x": []', "x"),
        ('"x": 1.5', "x"),
        ('"x": 2147483648', "x"),
        ('"x": "\\u0000"', "x"),
        ('"x": "\\ud800"', "x"),
        ('"x-y": ""', "'x-y'"),
        ('"x\\n": ""', "'x\\n'"),
        ('"": ""', "''"),
        ('"id": "2"', "id"),
        ('"subject": 1', "subject"),
        ('"subject": true', "subject"),
        ('"subject": ""', "subject"),
        ('"time": 1', "time"),
        ('"datacontenttype": "application/cloudevents+json"', "datacontenttype"),
        ('"datacontenttype": "Application/CloudEvents-batch+json;x=y"', "datacontenttype"),
        ('"datacontenttype": "a/b\\r\\nx: y"', "datacontenttype"),
        ('"data": NaN', "body"),
        ('"data": -Infinity', "body"),
        ('"data": {"a": tru}', "body"),
        ('"data": "x", "data_base64": "eA=="', "data"),
        ('"data": {}, "datacontenttype": "text/xml"', "data"),
        ('"data": "\\ud800", "datacontenttype": "text/xml"', "body"),
        ('"data_base64": "a"', "data_base64"),
        ('"data_base64": "eA==\\n"', "data_base64"),
        ('"data_base64": "e-_="', "data_base64"),
        ('"data_base64": "€"', "data_base64"),
        ('"data_base64": 1', "data_base64"),
    ],
)
def test_a_structured_message_with_a_wrong_member_is_refused(extra: str, attribute: str) -> None:
    with pytest.raises(errors.CloudEventError) as caught:
        cloudevents.decode(STRUCTURED, members(extra))

    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is not"),
        (b"[]", "is not"),
        (b"null", "is not"),
        (b"{", "is not"),
        (b"{1:2}", "is not"),
        (b'{"id"}', "is not"),
        (b'{"id":"1",}', "is not"),
        (structured() + b"x", "goes on"),
        (structured()[:-1], "is not"),
        (b"\xef\xbb\xbf" + structured(), "is not"),
        (structured().decode().encode("utf-16"), "is not UTF-8"),
        (b"\xff", "is not UTF-8"),
        (structured()[:-1] + b',"data":' + b"[" * 100_000, "is nested too deeply"),
        (structured()[:-1] + b',"data":' + b"1" * 5_000 + b"}", "is not JSON"),
    ],
)
def test_a_structured_message_that_is_not_one_json_object_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(errors.CloudEventError, match=reason) as caught:
        cloudevents.decode(STRUCTURED, body)

    assert caught.value.attribute == "body"


def test_json_data_keeps_its_very_text() -> None:
    text = '{"price" :0.10000000000000000000001,  "big":12345678901234567890123}'

    assert cloudevents.decode(STRUCTURED, members(f'"data": {text} ')).data == text.encode()


def test_data_without_a_type_is_said_to_be_json() -> None:
    event = cloudevents.decode(STRUCTURED, structured(data="hello"))

    assert event == Event({**CONTEXT, "datacontenttype": "application/json"}, b'"hello"')


def test_a_string_of_another_type_is_its_text() -> None:
    assert cloudevents.decode(STRUCTURED, structured(data="<a/>", datacontenttype="text/xml")).data == b"<a/>"


def test_base64_data_is_its_bytes() -> None:
    assert cloudevents.decode(STRUCTURED, structured(data_base64="AP8=")).data == b"\x00\xff"


def test_a_batch_is_its_events_in_order() -> None:
    body = b" [" + structured(id="a") + b" , " + structured(id="b") + b"] "

    assert [event.attributes["id"] for event in cloudevents.decode_batch(BATCHED, body)] == ["a", "b"]


def test_a_batch_may_be_empty() -> None:
    assert cloudevents.decode_batch(BATCHED, b"[]") == ()


@pytest.mark.parametrize(
    ("body", "attribute"),
    [
        (structured(), "[0].body"),
        (b"[1]", "[0].body"),
        (b"[" + structured() + b",]", "[1].body"),
        (b"[" + structured() + b"," + structured(id="") + b"]", "[1].id"),
        (b"[" + structured(), "[1].body"),
        (b"[]]", "[0].body"),
        (b"\xff", "[0].body"),
        (b"[" + structured()[:-1] + b',"data":' + b"[" * 100_000, "[0].body"),
    ],
)
def test_a_wrong_batch_is_refused_and_the_wrong_event_named(body: bytes, attribute: str) -> None:
    with pytest.raises(errors.CloudEventError) as caught:
        cloudevents.decode_batch(BATCHED, body)

    assert caught.value.attribute == attribute


def test_a_message_that_is_no_batch_is_not_decoded_as_one() -> None:
    with pytest.raises(errors.CloudEventError, match="content-type"):
        cloudevents.decode_batch(STRUCTURED, b"[]")


def test_header_values_are_percent_encoded_as_the_http_binding_says() -> None:
    event: Event[bytes | None] = Event({**CONTEXT, "note": 'a b"%€~', "urgent": True, "count": 7}, None)

    headers = dict(cloudevents.encode_binary(event)[0])

    assert (headers["ce-note"], headers["ce-urgent"], headers["ce-count"]) == ("a%20b%22%25%E2%82%AC~", "true", "7")


@pytest.mark.parametrize(
    ("kind", "data", "member"),
    [
        ("application/json", b'{"a":1}', '"data":{"a":1}'),
        ("application/json", b"not json", '"data_base64":"bm90IGpzb24="'),
        ("application/json", b"null", '"data_base64":"bnVsbA=="'),
        ("application/json", b"NaN", '"data_base64":"TmFO"'),
        ("text/plain", b'a"b', '"data":"a\\"b"'),
        ("text/plain", b"\xff", '"data_base64":"/w=="'),
        ("image/png", b"png", '"data_base64":"cG5n"'),
    ],
)
def test_structured_data_is_json_text_or_base64_by_its_type(kind: str, data: bytes, member: str) -> None:
    _, body = cloudevents.encode_structured(Event({**CONTEXT, "datacontenttype": kind}, data))

    assert body.decode().endswith(f",{member}}}")


@pytest.mark.parametrize(
    "encode",
    [
        cloudevents.encode_binary,
        cloudevents.encode_structured,
        lambda event: cloudevents.encode_batch([event]),
    ],
)
@pytest.mark.parametrize("wrong", [{"id": ""}, {"x y": "1"}, {"datacontenttype": "a/b\r\nx: y"}, {"x": "\r\n"}])
def test_an_event_that_could_not_be_decoded_is_not_encoded(encode: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(errors.CloudEventError):
        encode(Event({**CONTEXT, **wrong}, None))


def test_attributes_are_added_to_a_copy() -> None:
    event: Event[bytes | None] = Event(CONTEXT, b"x")

    added = cloudevents.with_attributes(event, knativeerrorcode=500)

    assert added == Event({**CONTEXT, "knativeerrorcode": 500}, b"x")
    assert "knativeerrorcode" not in event.attributes


def test_data_reads_as_json() -> None:
    assert cloudevents.data_as_json(Event(CONTEXT, b'{"a": [1, null]}')) == {"a": [1, None]}
    assert cloudevents.data_as_json(Event(CONTEXT, None)) is None


@pytest.mark.parametrize("data", [b"{", b"NaN", b"\xff", b"[" * 100_000, b"1 2"])
def test_data_that_is_no_json_does_not_read_as_json(data: bytes) -> None:
    with pytest.raises(errors.CloudEventError, match="data: is"):
        cloudevents.data_as_json(Event(CONTEXT, data))


@pytest.mark.parametrize(
    ("media", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/json", True),
        ("application/vnd.shop+json", True),
        ("application/jsonx", False),
        ("text/plain", False),
    ],
)
def test_json_is_known_by_its_media_type(*, media: str, is_json: bool) -> None:
    assert cloudevents.is_json(media) is is_json
