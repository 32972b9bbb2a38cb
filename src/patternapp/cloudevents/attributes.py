"""What an event's attributes may be called, and what they may hold."""

from __future__ import annotations

import datetime as dt
import operator
import re
from typing import TYPE_CHECKING

from patternapp.cloudevents import media
from patternapp.errors import CloudEventError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LIMIT = 65_536
"""Characters that all attribute values of one event may have together: more could not travel as headers."""

_REQUIRED = frozenset({"id", "source", "specversion", "type"})
_required = operator.itemgetter(*_REQUIRED)
"""Raises KeyError where one is missing; sooner done than comparing sets."""
_NEVER_EMPTY = frozenset({"id", "source", "type", "subject", "dataschema", "datacontenttype"})
_TEXT_ONLY = _NEVER_EMPTY | {"specversion", "time"}
_INTEGERS = range(-(2**31), 2**31)
_NONCHARACTERS = "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
FORBIDDEN = f"\x00-\x1f\x7f-\x9f\ufdd0-\ufdef{_NONCHARACTERS}"
"""As part of a pattern, the characters that a String may not have (spec.md, type system), but for lone surrogates."""
_NOT_ALLOWED = re.compile(f"[{FORBIDDEN}\ud800-\udfff]")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
# RFC 3986, 4.3 asks for more; a scheme is what tells it from a relative one, and what a Broker's ingress looks for.
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def check(attributes: Mapping[str, object]) -> None:
    """Hold attributes to the specification.

    Raises:
        CloudEventError: One is missing, or has a name or a value that it may not have.
    """
    try:
        _required(attributes)
    except KeyError:
        raise CloudEventError(min(_REQUIRED - attributes.keys()), "is missing") from None
    for name in () if _TEXT_ONLY.issuperset(attributes) else attributes.keys() - _TEXT_ONLY:
        check_name(name)
    if not _is_plain(attributes.values()):
        for name, value in attributes.items():
            _check_value(name, value)
        if sum(len(value) for value in attributes.values() if isinstance(value, str)) > LIMIT:
            raise CloudEventError("attributes", f"are longer than {LIMIT} characters together")
    _check_standard(attributes)


def check_name(name: str) -> None:
    """Raise a `CloudEventError` if no attribute may be called that."""
    if not (name.isascii() and name.isalnum() and (name.islower() or name.isdigit())) or name == "data":
        raise CloudEventError(shown(name), "is not a name for an attribute: a to z and 0 to 9 make one")


def shown(name: str) -> str:
    """The name as an error may show it: as it is if it could be one, else short and harmless."""
    return name if name.isascii() and name.isalnum() else ascii(name[:40])


def _is_plain(values: Collection[object]) -> bool:
    """Whether these are short printable texts, none of them empty, as nearly all are: nothing can be wrong then."""
    if not all(values):
        return False
    try:
        joined = "".join(values)  # type: ignore[arg-type]  # asking forgiveness is what makes this quick
    except TypeError:
        return False
    return joined.isprintable() and len(joined) <= LIMIT


def _check_value(name: str, value: object) -> None:
    if isinstance(value, str):
        if _NOT_ALLOWED.search(value):
            raise CloudEventError(name, "has a character that CloudEvents do not allow")
        if not value and name in _NEVER_EMPTY:
            raise CloudEventError(name, "is empty")
    elif name in _TEXT_ONLY or not isinstance(value, int):
        raise CloudEventError(name, f"is of the type {type(value).__name__}, which it may not be")
    elif not isinstance(value, bool) and value not in _INTEGERS:
        raise CloudEventError(name, "does not fit an integer of 32 bits")


def _check_standard(attributes: Mapping[str, object]) -> None:
    if attributes["specversion"] != "1.0":
        raise CloudEventError("specversion", "is not 1.0")
    time = attributes.get("time")
    if isinstance(time, str) and not _is_time(time):
        raise CloudEventError("time", "is not an RFC 3339 time, such as 2026-01-31T12:00:00Z")
    schema = attributes.get("dataschema")
    if isinstance(schema, str) and not _ABSOLUTE.match(schema):
        raise CloudEventError("dataschema", "is not an absolute URI, such as https://example.com/order.json")
    content_type = attributes.get("datacontenttype")
    if isinstance(content_type, str) and content_type != "application/json":
        if not (content_type.isascii() and content_type.isprintable() and "/" in content_type):
            raise CloudEventError("datacontenttype", "is not a media type")
        if media.media_type(content_type).startswith(media.FAMILY):
            raise CloudEventError("datacontenttype", "is for whole events: in binary mode the data would pass for one")


def _is_time(value: str) -> bool:
    # Both: the pattern keeps out what ISO 8601 has beyond RFC 3339, `fromisoformat` a month 13. A leap second is
    # refused too, as Go and so all of Knative does. The first look is for what most send:
    # 2026-01-31T12:00:00Z.
    if not (len(value) == 20 and value[4::3] == "--T::Z") and not _TIME.fullmatch(value):
        return False
    try:
        dt.datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return True
