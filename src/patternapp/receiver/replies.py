"""What a handler returned, as the reply event.

What holds here: the same event handled twice gives replies with the same id, so that whoever gets both can tell.
"""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pydantic_core

from patternapp import cloudevents
from patternapp.cloudevents import Event
from patternapp.receiver import context

if TYPE_CHECKING:
    from patternapp.receiver.handlers import Handler

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "reply.patternapp.dev")


def reply_event(value: object, *, to: Event[bytes | None], handler: Handler, source: str) -> Event[bytes | None] | None:
    """The reply to the event `to`, None where the handler returned None.

    Raises:
        TypeError: The value cannot be a reply: no type was said for it, or it has no JSON.
        CloudEventError: The handler returned an event that is not a valid one.
    """
    if value is None:
        return None
    if isinstance(value, Event):
        return _checked(value.attributes, value.data)
    if _is_sdk_event(value):
        return _from_sdk(value)
    if handler.reply is None:
        raise TypeError(
            f"{handler.name} returned {type(value).__name__}, but the type of the reply event is not said: "
            'write @app.on(..., reply="your.event.type")'
        )
    attributes: dict[str, cloudevents.Value] = {
        "specversion": "1.0",
        "id": reply_id(to, handler.name),
        "source": source,
        "type": handler.reply,
        "datacontenttype": "application/json",
    }
    attributes.update(context.trace_headers())
    return _checked(attributes, _as_json(value))


def reply_id(to: Event[Any], handler: str) -> str:
    """The id of a handler's reply: a UUID made of the event's source and id and the handler's name."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join((str(to.attributes["source"]), str(to.attributes["id"]), handler))))


def _checked(attributes: Any, data: Any) -> Event[bytes | None]:
    attributes = dict(attributes)
    if data is None or isinstance(data, bytes):
        payload = data
    elif isinstance(data, str) and not cloudevents.is_json(attributes.get("datacontenttype", "text/plain")):
        payload = data.encode()
    else:
        attributes.setdefault("datacontenttype", "application/json")
        payload = _as_json(data)
    cloudevents.check(attributes)
    return Event(attributes, payload)


def _as_json(value: object) -> bytes:
    try:
        return pydantic_core.to_json(value, inf_nan_mode="null")
    except pydantic_core.PydanticSerializationError as error:
        raise TypeError(f"{type(value).__name__} has no JSON: {error}") from error


def _is_sdk_event(value: object) -> bool:
    # As for parameters: who made one has imported the SDK.
    sdk = sys.modules.get("cloudevents.core.v1.event")
    return sdk is not None and isinstance(value, sdk.CloudEvent)


def _from_sdk(event: Any) -> Event[bytes | None]:
    attributes = {name: value for name, value in event.get_attributes().items() if value is not None}
    time = attributes.get("time")
    if isinstance(time, dt.datetime):
        attributes["time"] = time.isoformat().replace("+00:00", "Z")
    return _checked(attributes, event.get_data())
