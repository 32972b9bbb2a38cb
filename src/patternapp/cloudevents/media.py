"""Media types: which mode a message is in, and which data is JSON."""

from __future__ import annotations

from collections.abc import Collection

from patternapp.errors import CloudEventError

Headers = Collection[tuple[bytes, bytes]]
"""Headers as ASGI has them: lower-case names; a name may be there twice."""

FAMILY = "application/cloudevents"
"""What the media type of every event format begins with (HTTP binding 3.2.1)."""
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"


def content_type(headers: Headers) -> str | None:
    """The Content-Type header; raises `CloudEventError` if there are two."""
    found: bytes | None = None
    for name, value in headers:
        if name == b"content-type":
            if found is not None:
                raise CloudEventError("content-type", "is there twice")
            found = value
    # Latin-1 takes every byte; an odd one is found when the attributes are checked.
    return None if found is None else found.decode("latin-1").strip(" \t")


def media_type(text: str) -> str:
    """Lower-case, and without parameters."""
    return text.partition(";")[0].strip(" \t").lower()


def is_batch(headers: Headers) -> bool:
    """Whether this message is for `decode_batch` rather than `decode`; raises as they do."""
    found = content_type(headers)
    return found is not None and media_type(found) == BATCHED


def is_json(datacontenttype: str) -> bool:
    """Whether data of this media type is JSON text."""
    if datacontenttype == "application/json":
        return True
    media = media_type(datacontenttype)
    return media in {"application/json", "text/json"} or media.endswith("+json")
