"""From an event off the wire to what one parameter of a handler wants.

A reader raises `Reject` when the data is not what its handler takes: delivering it again would not mend it.
"""

from __future__ import annotations

import datetime as dt
import sys
import typing
from collections.abc import Callable
from typing import Any

import pydantic

from patternapp import cloudevents, errors
from patternapp.cloudevents import Event
from patternapp.receiver.outcomes import Reject

Wire = Event[bytes | None]
Reader = Callable[[Wire], Any]

_NONE = type(None)


def is_event(annotation: object) -> bool:
    """Whether a parameter wants our `Event`, with whatever data."""
    return annotation is Event or typing.get_origin(annotation) is Event


def is_sdk_event(annotation: object) -> bool:
    """Whether a parameter wants the CloudEvent of the `cloudevents` SDK."""
    # Who names the class has imported it; who does not shall not pay for it.
    sdk = sys.modules.get("cloudevents.core.v1.event")
    return sdk is not None and annotation is sdk.CloudEvent


def event_reader(annotation: Any) -> Reader:
    """Reads ``Event[Data]``; a bare ``Event`` has bytes or None."""
    (of,) = typing.get_args(annotation) or (bytes | None,)
    if of == bytes | None:
        return lambda event: event
    read = data_reader(of)
    return lambda event: Event(event.attributes, read(event))


def sdk_event_reader(annotation: Any) -> Reader:
    """Reads the SDK's CloudEvent: time as a datetime, JSON data as its value, ``text/*`` as `str`, else bytes."""

    def read(event: Wire) -> Any:
        attributes: dict[str, Any] = dict(event.attributes)
        time = attributes.get("time")
        if time is not None:
            attributes["time"] = dt.datetime.fromisoformat(time.upper())
        made = annotation(attributes, _sdk_data(event))
        if time is None:
            # The SDK puts the present time in where there is none.
            attributes.pop("time", None)
        return made

    return read


def data_reader(annotation: Any) -> Reader:
    """Reads the data: `bytes` as it is, all else as JSON, or as text where `str` is wanted and the type is not JSON.

    Raises:
        TypeError: Nothing can be read into this annotation; the message says why.
    """
    if annotation is bytes:
        return lambda event: event.data or b""
    if annotation == bytes | None:
        return lambda event: event.data
    try:
        adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(annotation)
    except (pydantic.errors.PydanticUserError, pydantic.errors.PydanticUndefinedAnnotation) as error:
        raise TypeError(f"no data can be read into {annotation!r}: {str(error).splitlines()[0]}") from error
    wants_text = annotation is str or annotation == str | None

    def read(event: Wire) -> Any:
        try:
            return _validated(adapter, event, wants_text=wants_text)
        except pydantic.ValidationError as error:
            raise Reject(_fields(error, event)) from error

    return read


def _validated(adapter: pydantic.TypeAdapter[Any], event: Wire, *, wants_text: bool) -> Any:
    data = event.data
    if data is None:
        return adapter.validate_python(None)
    kind = event.attributes.get("datacontenttype")
    if wants_text and (kind is None or not cloudevents.is_json(str(kind))):
        return adapter.validate_python(_as_text(data))
    if kind is not None and not cloudevents.is_json(str(kind)):
        raise Reject(f"data: is {kind}, not JSON")
    # pydantic takes these for numbers, JSON does not; inside a string they are fine. One byte is found far sooner.
    if (b"N" in data and b"NaN" in data) or (b"I" in data and b"Infinity" in data):
        _as_json(event)
    # The adapter's own method does no more than this, in twice the time.
    return adapter.validator.validate_json(data)


def _sdk_data(event: Wire) -> Any:
    kind = str(event.attributes.get("datacontenttype", ""))
    if event.data is None:
        return None
    if cloudevents.is_json(kind):
        return _as_json(event)
    return _as_text(event.data) if kind.startswith("text/") else event.data


def _as_json(event: Wire) -> Any:
    try:
        return cloudevents.data_as_json(event)
    except errors.CloudEventError as error:
        raise Reject(str(error)) from error


def _as_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Reject("data: is not UTF-8") from error


def _fields(error: pydantic.ValidationError, event: Wire) -> str:
    if event.data is None:
        return "data: is missing"
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, ('data', *one['loc'])))}: {one['msg']}" for one in found)
