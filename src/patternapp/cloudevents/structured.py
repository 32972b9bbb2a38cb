"""Structured and batched mode: whole events as JSON (JSON format 2, 3 and 4).

What holds here: JSON data is cut out of the text, not written anew, so that it stays as its sender wrote it; and
no name is there twice in an event, since two readers may then see two events.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, NamedTuple, NoReturn

from patternapp.cloudevents import attributes as rules
from patternapp.cloudevents import media
from patternapp.cloudevents.event import Event, Value
from patternapp.errors import CloudEventError

_SPACE = re.compile(r"[ \t\n\r]*")


class _Member(NamedTuple):
    """A value, and where its text begins and ends."""

    value: Any
    begin: int
    end: int


def read(body: bytes) -> Event[bytes | None]:
    """The one event in this JSON; raises `CloudEventError` if there is none."""
    try:
        text = body.decode()
        members, at = _object(text, _skip(text, 0))
        _expect_end(text, at)
        return _event(members, text)
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
            events.append(_event(members, text))
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


def _object(text: str, at: int) -> tuple[dict[str, _Member], int]:
    """The members of the object that begins here, and where it ends."""
    members: dict[str, _Member] = {}
    at = _expect(text, at, "{")
    more = text[at : at + 1] != "}"
    while more:
        name, at = _JSON.raw_decode(text, at)
        if not isinstance(name, str):
            raise CloudEventError("body", "is not JSON: a name is not a string")
        if name in members:
            raise CloudEventError(rules.shown(name), "is there twice")
        begin = _expect(text, _skip(text, at), ":")
        content, end = _JSON.raw_decode(text, begin)
        members[name] = _Member(content, begin, end)
        at = _skip(text, end)
        more = text[at : at + 1] == ","
        at = _skip(text, at + 1) if more else at
    return members, _expect(text, at, "}", what="an event")


def _event(members: dict[str, _Member], text: str) -> Event[bytes | None]:
    # JSON format 2.2: a null member is as one that is not there.
    present = {name: member for name, member in members.items() if member.value is not None}
    plain = present.pop("data", None)
    encoded = present.pop("data_base64", None)
    attributes: dict[str, Value] = {name: member.value for name, member in present.items()}
    if plain is not None:
        # JSON format 3.1.1: data without a type is JSON. In binary mode that must be said.
        attributes.setdefault("datacontenttype", "application/json")
    rules.check(attributes)
    if plain is not None and encoded is not None:
        raise CloudEventError("data", "is there twice: as data and as data_base64")
    if encoded is not None:
        return Event(attributes, _from_base64(encoded.value) or None)
    if plain is None:
        return Event(attributes, None)
    if media.is_json(str(attributes["datacontenttype"])):
        return Event(attributes, text[plain.begin : plain.end].encode())
    if isinstance(plain.value, str):
        return Event(attributes, plain.value.encode() or None)
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
