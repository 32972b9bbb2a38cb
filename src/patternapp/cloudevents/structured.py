"""Structured and batched mode: whole events as JSON (JSON format 2, 3 and 4).

What holds here: JSON data is cut out of the text, not written anew, so that it stays as its sender wrote it; and
no name is there twice in an event, since two readers may then see two events.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from patternapp.cloudevents import attributes as rules
from patternapp.cloudevents import media
from patternapp.cloudevents.event import Event, Value
from patternapp.errors import CloudEventError

if TYPE_CHECKING:
    from collections.abc import Callable

_WHITE = " \t\n\r"
_DATA = re.compile(r'"data"[ \t\n\r]*:')
_DATA_NAMES = {"data", "data_base64"}
_SPACE = re.compile(r"[ \t\n\r]*")
# Nearly all attributes are texts that need no escape: one look at such a member, and the comma or the end behind it.
_PLAIN = re.compile(r'[ \t\n\r]*"([a-z0-9]*)"[ \t\n\r]*:[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*([,}])')


class _Member(NamedTuple):
    """A value, and where its text begins and ends."""

    value: Any
    begin: int
    end: int


def read(body: bytes) -> Event[bytes | None]:
    """The one event in this JSON; raises `CloudEventError` if there is none."""
    try:
        text = body.decode()
        quick = _quickly(text)
        if quick is not None:
            return _event(*quick)
        members, at = _object(text, _skip(text, 0))
        _expect_end(text, at)
        return _event(*_parted(members, text))
    except (ValueError, RecursionError) as error:
        raise _not_json("body", error) from None


def read_batch(body: bytes) -> tuple[Event[bytes | None], ...]:
    """The events in this JSON array; raises `CloudEventError` if one is none."""
    events: list[Event[bytes | None]] = []
    try:
        text = body.decode()
        at = _expect(text, _skip(text, 0), "[")
        more = text[at : at + 1] != "]"
        while more:
            members, at = _object(text, at)
            events.append(_event(*_parted(members, text)))
            at = _skip(text, at)
            more = text[at : at + 1] == ","
            at = _skip(text, at + 1) if more else at
        _expect_end(text, _expect(text, at, "]"))
    except CloudEventError as error:
        raise CloudEventError(f"[{len(events)}].{error.attribute}", error.reason) from None
    except (ValueError, RecursionError) as error:
        raise _not_json(f"[{len(events)}].body", error) from None
    return tuple(events)


def text(event: Event[bytes | None]) -> str:
    """A checked event as a JSON object."""
    head = json.dumps(dict(event.attributes), separators=(",", ":"))[:-1]
    if not event.data:
        return head + "}"
    kind = str(event.attributes.get("datacontenttype", ""))
    if media.is_json(kind) and _stands_as_json(event.data):
        return f'{head},"data":{event.data.decode()}}}'
    if media.media_type(kind).startswith("text/") and not media.is_json(kind):
        try:
            return f'{head},"data":{json.dumps(event.data.decode())}}}'
        except UnicodeDecodeError:
            pass
    return f'{head},"data_base64":"{base64.b64encode(event.data).decode()}"}}'


def value(attribute: str, data: bytes) -> Any:
    """What this JSON text says; raises `CloudEventError` naming `attribute` if it is none."""
    try:
        return _JSON.decode(data.decode())
    except (ValueError, RecursionError) as error:
        raise _not_json(attribute, error) from None


def _stands_as_json(data: bytes) -> bool:
    # A null would read as no data.
    try:
        return value("data", data) is not None
    except CloudEventError:
        return False


def _quickly(text: str) -> tuple[dict[str, Any], str] | None:
    """Names and values of the one object in this text, and the text of its data; None where that takes a closer look.

    Objects inside have become tuples, as whoever looks at the data will read its text.
    """
    try:
        pairs, end = _PAIRS(text, 0)
    except (ValueError, RecursionError, StopIteration):
        return None
    if not isinstance(pairs, tuple) or text[end:].strip(_WHITE):
        return None
    values = dict(pairs)
    # Attributes are no objects, so nothing of this name comes before the data; no string has it, but with escapes.
    begin = _begin_of_data(text)
    if len(values) != len(pairs) or ("data" in values) != (begin > 0):
        return None
    if not begin:
        return values, ""
    if pairs[-1][0] == "data":
        return values, text[begin : end - 1].strip(_WHITE)
    begin = _skip(text, begin)
    return values, text[begin : _JSON.raw_decode(text, begin)[1]]


def _begin_of_data(text: str) -> int:
    """Where the colon after the first member called data ends, 0 without one."""
    at = text.find('"data"')
    if at < 0:
        return 0
    if text[at + 6] == ":":
        return at + 7
    found = _DATA.search(text, at)
    return 0 if found is None else found.end()


def _parted(members: dict[str, _Member], text: str) -> tuple[dict[str, Any], str]:
    """The same of members that were looked at one by one."""
    data = members.get("data")
    values = {name: member.value for name, member in members.items()}
    return values, "" if data is None else text[data.begin : data.end]


def _object(text: str, at: int) -> tuple[dict[str, _Member], int]:
    """The members of the object that begins here, and where it ends."""
    members: dict[str, _Member] = {}
    at = _expect(text, at, "{")
    then = text[at : at + 1]
    if then == "}":
        return members, _skip(text, at + 1)
    while then != "}":
        plain = _PLAIN.match(text, at)
        if plain is not None:
            name, content, then = plain.groups()
            member = _Member(content, plain.start(2) - 1, plain.end(2) + 1)
            at = plain.end()
        else:
            name, member, at = _member(text, _skip(text, at))
            then = "," if text[at : at + 1] == "," else "}"
            at = at + 1 if then == "," else _expect(text, at, "}", what="an event")
        if name in members:
            raise CloudEventError(rules.shown(name), "is there twice")
        members[name] = member
    return members, _skip(text, at)


def _member(text: str, at: int) -> tuple[str, _Member, int]:
    """The name and the value that begin here, and where what follows them begins."""
    name, at = _JSON.raw_decode(text, at)
    if not isinstance(name, str):
        raise CloudEventError("body", "is not JSON: a name is not a string")
    begin = _expect(text, _skip(text, at), ":")
    content, end = _JSON.raw_decode(text, begin)
    return name, _Member(content, begin, end), _skip(text, end)


def _event(values: dict[str, Any], data_text: str) -> Event[bytes | None]:
    # JSON format 2.2: a null member is as one that is not there.
    attributes: dict[str, Value] = values
    if not all(values.values()):
        attributes = {name: value for name, value in values.items() if value is not None}
        for name in values.keys() - attributes.keys() - _DATA_NAMES:
            rules.check_name(name)
    plain: Any = attributes.pop("data", None)
    encoded: Any = attributes.pop("data_base64", None)
    if plain is not None:
        # JSON format 3.1.1: data without a type is JSON. In binary mode that must be said.
        attributes.setdefault("datacontenttype", "application/json")
    rules.check(attributes)
    if plain is not None and encoded is not None:
        raise CloudEventError("data", "is there twice: as data and as data_base64")
    if encoded is not None:
        return Event(attributes, _from_base64(encoded) or None)
    if plain is None:
        return Event(attributes, None)
    if media.is_json(str(attributes["datacontenttype"])):
        return Event(attributes, data_text.encode())
    if isinstance(plain, str):
        return Event(attributes, plain.encode() or None)
    raise CloudEventError("data", f"is not a string, but {attributes['datacontenttype']} is not JSON")


def _from_base64(text: object) -> bytes:
    if not isinstance(text, str):
        raise CloudEventError("data_base64", "is not a string")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise CloudEventError("data_base64", "is not base64") from None


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _expect(text: str, at: int, character: str, *, what: str = "JSON of events") -> int:
    if text[at : at + 1] != character:
        raise CloudEventError("body", f"is not {what}: {character} is missing at character {at}")
    return _skip(text, at + 1)


def _expect_end(text: str, at: int) -> None:
    if _skip(text, at) != len(text):
        raise CloudEventError("body", f"goes on after its end at character {at}")


def _not_json(attribute: str, error: ValueError | RecursionError) -> CloudEventError:
    if isinstance(error, UnicodeDecodeError):
        return CloudEventError(attribute, "is not UTF-8")
    if isinstance(error, RecursionError):
        return CloudEventError(attribute, "is nested too deeply")
    return CloudEventError(attribute, f"is not JSON: {error}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
# Straight to what reads, past the decoder's own looks at the white space around it.
_PAIRS: Callable[[str, int], tuple[Any, int]] = vars(
    json.JSONDecoder(object_pairs_hook=tuple, parse_constant=_refuse_constant)
)["scan_once"]
