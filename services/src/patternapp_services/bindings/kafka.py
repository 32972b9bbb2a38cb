"""CloudEvents as Kafka records: binary mode out, binary and structured mode in, other records wrapped.

What holds here:

* The record's key is the event's `partitionkey`, so events of one key stay in one partition, in their order.
* A record that says that it is a CloudEvent and is none is an error, never wrapped: nobody gets to forge one.
* Every other record becomes what a KafkaSource makes of it.

Sources: cloudevents/spec v1.0.2 ``bindings/kafka-protocol-binding.md``; knative-extensions/eventing-kafka-broker,
the data plane's ``CloudEventDeserializer``.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from patternapp import cloudevents, errors

if TYPE_CHECKING:
    from patternapp.cloudevents import Event

Headers = Sequence[tuple[str, bytes | None]]
WRAPPED_TYPE = "dev.knative.kafka.event"
_PREFIX = "ce_"
_SPECVERSION = "ce_specversion"
_CONTENT_TYPE = "content-type"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Record(NamedTuple):
    """What a producer sends."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Place(NamedTuple):
    """Where a record stands; `group` is the consumer group that reads it, `timestamp` milliseconds since 1970."""

    group: str
    topic: str
    partition: int
    offset: int
    timestamp: int


def encode(event: Event[bytes | None]) -> Record:
    """The event in binary mode; raises `CloudEventError` where it is not one."""
    cloudevents.check(event.attributes)
    headers = [
        (_CONTENT_TYPE if name == "datacontenttype" else _PREFIX + name, _text(value).encode())
        for name, value in event.attributes.items()
    ]
    key = event.attributes.get("partitionkey")
    return Record(None if key is None else _text(key).encode(), event.data, headers)


def _text(value: cloudevents.Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def decode(headers: Headers, value: bytes | None) -> Event[bytes | None] | None:
    """The event that a record is, None where it does not claim to be one; raises `CloudEventError` where it lies."""
    attributes: dict[str, cloudevents.Value] = {}
    content_type: bytes | None = None
    for name, content in headers:
        if name[:3] == _PREFIX:
            if content is None or name[3:] in attributes:
                raise errors.CloudEventError(ascii(name[3:43]), "is empty" if content is None else "is there twice")
            attributes[name[3:]] = _decoded(name, content)
        elif name.lower() == _CONTENT_TYPE:
            if content_type is not None:
                raise errors.CloudEventError(_CONTENT_TYPE, "is there twice")
            content_type = content or b""
    # Kafka binding 3: the content type of an event format decides, and only then the attributes.
    if content_type is not None and content_type[:23].lower() == b"application/cloudevents":
        return cloudevents.decode([(b"content-type", content_type)], value or b"")
    if "specversion" not in attributes:
        return None
    if "datacontenttype" in attributes:
        raise errors.CloudEventError("datacontenttype", "is a ce_ header; in binary mode it is the content-type")
    if content_type is not None:
        attributes["datacontenttype"] = _decoded(_CONTENT_TYPE, content_type)
    cloudevents.check(attributes)
    return cloudevents.Event(attributes, value or None)


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise errors.CloudEventError(ascii(name[:40]), "is not UTF-8") from None


def wrap(place: Place, *, key: bytes | None, headers: Headers, value: bytes | None) -> Event[bytes | None]:
    """The event that a record which is none becomes, whatever its bytes are."""
    attributes: dict[str, cloudevents.Value] = {
        "specversion": "1.0",
        "id": f"partition:{place.partition}/offset:{place.offset}",
        "source": f"/kafka/{place.group}#{place.topic}",
        "type": WRAPPED_TYPE,
        "subject": f"partition:{place.partition}#{place.offset}",
    }
    if place.timestamp >= 0:
        time = _EPOCH + dt.timedelta(milliseconds=place.timestamp)
        attributes["time"] = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    more: dict[str, cloudevents.Value] = {}
    if key:
        more["partitionkey"] = more["key"] = _shown(key)
    for name, content in headers:
        if name.lower() == _CONTENT_TYPE:
            more["datacontenttype"] = _shown(content or b"")
        elif letters := "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum()):
            more[f"kafkaheader{letters}"] = _shown(content or b"")
    for extension, shown in more.items():
        try:
            cloudevents.check(attributes | {extension: shown})
        except errors.CloudEventError:
            continue  # the record counts, not what cannot be an attribute
        attributes[extension] = shown
    return cloudevents.Event(attributes, value or None)


def _shown(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()
    return text if text.isprintable() else base64.b64encode(content).decode()
