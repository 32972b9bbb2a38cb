"""Binary mode: attributes as ``ce-*`` headers, data as the body (HTTP binding 3.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib import parse

from patternapp.cloudevents import attributes as rules
from patternapp.cloudevents.event import Event, Value
from patternapp.errors import CloudEventError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.cloudevents.media import Headers

# HTTP binding 3.1.3.2: all of U+0021 to U+007E travels as it is, but for the double quote and the percent sign.
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
# Those that nearly every event has, so that they need not be made anew each time.
_NAMES = {f"ce-{name}".encode(): name for name in ("specversion", "id", "source", "type", "subject", "time")}
# What is left of U+0021 to U+007E: text of nothing else means itself.
_ODD = re.compile(rb"[^!#$&-~]")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def read(headers: Headers, content_type: str | None, body: bytes) -> Event[bytes | None]:
    """The event that these headers and this body are; raises `CloudEventError` if they are none."""
    raw: dict[str, bytes] = {}
    for header, value in headers:
        name = _NAMES.get(header)
        if name is None:
            if header[:3] != b"ce-":
                continue
            name = header[3:].decode("latin-1")
        if name in raw:
            raise CloudEventError(rules.shown(name), "is there twice")
        raw[name] = value
    if _ODD.search(b"".join(raw.values())):
        attributes: dict[str, Value] = {name: _decoded(name, value) for name, value in raw.items()}
    else:
        attributes = {name: value.decode("ascii") for name, value in raw.items()}
    if "datacontenttype" in attributes:
        raise CloudEventError("datacontenttype", "is a ce- header; in binary mode it is the Content-Type")
    if content_type is not None:
        attributes["datacontenttype"] = content_type
    rules.check(attributes)
    return Event(attributes, body or None)


def headers(attributes: Mapping[str, Value]) -> list[tuple[str, str]]:
    """The headers of checked attributes."""
    return [
        ("content-type", str(value)) if name == "datacontenttype" else (f"ce-{name}", _encoded(value))
        for name, value in attributes.items()
    ]


def _decoded(name: str, value: bytes) -> str:
    # HTTP binding 3.1.3.2: first quotes, as older senders write them, then one round of percent-decoding. A percent
    # sign that encodes nothing stays: the Go SDK, so all of Knative, sends text as it is.
    value = value.strip(b" \t")
    if value[:1] == b'"':
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise CloudEventError(rules.shown(name), "has a quote that does not end")
        value = _ESCAPED.sub(rb"\1", quoted[1])
    if b"%" in value:
        value = parse.unquote_to_bytes(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise CloudEventError(rules.shown(name), "is not UTF-8") from None


def _encoded(value: Value) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text.isascii() and not (" " in text or '"' in text or "%" in text):
        return text
    return parse.quote(text, safe=_SAFE)
