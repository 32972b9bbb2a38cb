"""CloudEvents as AMQP messages: binary mode out, binary and structured mode in, other messages wrapped.

What holds here: as for Kafka, a message that says that it is a CloudEvent and is none is an error, never wrapped.

Source: cloudevents/spec v1.0.2 ``bindings/amqp-protocol-binding.md``; both of its prefixes are read, since some
clients cannot write a colon.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from patternapp import cloudevents, errors

if TYPE_CHECKING:
    from patternapp.cloudevents import Event

WRAPPED_TYPE = "dev.knative.rabbitmq.event"
_PREFIX = "cloudEvents:"
_READ = ("cloudEvents:", "cloudEvents_")
Headers = Mapping[str, Any]


class Message(NamedTuple):
    """What is published: properties and body."""

    content_type: str | None
    headers: dict[str, str | int | bool]
    body: bytes


def encode(event: Event[bytes | None]) -> Message:
    """The event in binary mode; raises `CloudEventError` where it is not one."""
    cloudevents.check(event.attributes)
    content_type = event.attributes.get("datacontenttype")
    headers = {_PREFIX + name: value for name, value in event.attributes.items() if name != "datacontenttype"}
    return Message(None if content_type is None else str(content_type), headers, event.data or b"")


def decode(content_type: str | None, headers: Headers, body: bytes) -> Event[bytes | None] | None:
    """The event that a message is, None where it does not claim to be one; raises `CloudEventError` where it lies."""
    if content_type is not None and content_type.lower().startswith("application/cloudevents"):
        return cloudevents.decode([(b"content-type", content_type.encode())], body)
    attributes: dict[str, cloudevents.Value] = {}
    for name, value in headers.items():
        if name.startswith(_READ):
            attribute = name[len(_PREFIX) :]
            if attribute in attributes:
                raise errors.CloudEventError(ascii(attribute[:40]), "is there twice")
            attributes[attribute] = _decoded(attribute, value)
    if "specversion" not in attributes:
        return None
    if "datacontenttype" in attributes:
        raise errors.CloudEventError("datacontenttype", "is a header; in binary mode it is the content-type")
    if content_type is not None:
        attributes["datacontenttype"] = content_type
    cloudevents.check(attributes)
    return cloudevents.Event(attributes, body or None)


def _decoded(attribute: str, value: Any) -> cloudevents.Value:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise errors.CloudEventError(ascii(attribute[:40]), "is not UTF-8") from None
    if isinstance(value, str | int):
        return value
    raise errors.CloudEventError(ascii(attribute[:40]), f"is of the type {type(value).__name__}")


def wrap(queue: str, *, message_id: str, content_type: str | None, body: bytes) -> Event[bytes | None]:
    """The event that a message which is none becomes, whatever its bytes are."""
    attributes: dict[str, cloudevents.Value] = {
        "specversion": "1.0",
        "id": message_id,
        "source": f"/rabbitmq#{queue}",
        "type": WRAPPED_TYPE,
    }
    if content_type is not None:
        try:
            cloudevents.check(attributes | {"datacontenttype": content_type})
            attributes["datacontenttype"] = content_type
        except errors.CloudEventError:
            pass  # the message counts, not what cannot be an attribute
    return cloudevents.Event(attributes, body or None)
