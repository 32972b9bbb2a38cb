"""The three modes of the HTTP binding: what callers use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patternapp.cloudevents import attributes, binary, media, structured
from patternapp.errors import CloudEventError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patternapp.cloudevents.event import Event

Message = tuple[list[tuple[str, str]], bytes]
"""Headers and body."""


def decode(headers: media.Headers, body: bytes) -> Event[bytes | None]:
    """The event of a message in binary or structured mode. An empty payload is no payload: the data is None then.

    Raises:
        CloudEventError: The message is not one CloudEvent of version 1.0.
    """
    content_type = media.content_type(headers)
    if content_type == media.STRUCTURED:
        return structured.read(body)
    if content_type is not None and content_type != "application/json":
        kind = media.media_type(content_type)
        if kind == media.STRUCTURED:
            return structured.read(body)
        if kind == media.BATCHED:
            raise CloudEventError("content-type", "is a batch, where one event is wanted")
        if kind.startswith(media.FAMILY):
            raise CloudEventError("content-type", f"is an event format not known here; send {media.STRUCTURED}")
    return binary.read(headers, content_type, body)


def decode_batch(headers: media.Headers, body: bytes) -> tuple[Event[bytes | None], ...]:
    """The events of a message in batched mode, in their order; a batch may be empty.

    Raises:
        CloudEventError: The message is not a batch, or one of its events is not a CloudEvent: the attribute names
            it, such as ``[3].id``.
    """
    if not media.is_batch(headers):
        raise CloudEventError("content-type", f"is not {media.BATCHED}")
    return structured.read_batch(body)


def encode_binary(event: Event[bytes | None]) -> Message:
    """Headers and body in binary mode. Integers and booleans become text.

    Raises:
        CloudEventError: The event is not one that `decode` would give.
    """
    attributes.check(event.attributes)
    return binary.headers(event.attributes), event.data or b""


def encode_structured(event: Event[bytes | None]) -> Message:
    """Headers and body in structured mode; raises as `encode_binary` does.

    Data of a JSON media type stands there as it is, ``text/*`` as a string, all else as base64.
    """
    attributes.check(event.attributes)
    return [("content-type", media.STRUCTURED)], structured.text(event).encode()


def encode_batch(events: Iterable[Event[bytes | None]]) -> Message:
    """Headers and body in batched mode; each event as `encode_structured` writes it."""
    texts = []
    for event in events:
        attributes.check(event.attributes)
        texts.append(structured.text(event))
    return [("content-type", media.BATCHED)], f"[{','.join(texts)}]".encode()


def data_as_json(event: Event[bytes | None]) -> Any:
    """The value that the data is the JSON text of, None where there is no data.

    Raises:
        CloudEventError: The data is not JSON. NaN and Infinity are not JSON.
    """
    return None if event.data is None else structured.value("data", event.data)
