"""What a receiver handles, as documents: the events' part of its OpenAPI, and AsyncAPI.

What holds here: a schema says what the receiver takes, no more and no less. OpenAPI cannot say that headers belong to
one content type, so it has structured and batched mode as schemas and binary mode in words; AsyncAPI has the headers.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pydantic

from patternapp import cloudevents
from patternapp.receiver.dispatch import ANY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.receiver.handlers import Handler

Json = dict[str, Any]

_TEXT = f"^[^{cloudevents.FORBIDDEN}]+$"
_STRING: Json = {"type": "string", "minLength": 1, "pattern": _TEXT}
_OPTIONAL: Json = {**_STRING, "type": ["string", "null"]}
_ABSOLUTE: Json = {**_OPTIONAL, "pattern": _TEXT.replace("^", "^[A-Za-z][A-Za-z0-9+.-]*:", 1).replace("+$", "*$")}
_EXTENSION: Json = {
    "type": ["string", "integer", "boolean", "null"],
    "pattern": _TEXT.replace("+$", "*$"),
    "minimum": -(2**31),
    "maximum": 2**31 - 1,
}
_BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_PROBLEMS = {
    "400": "Not a CloudEvent; it is not delivered again.",
    "409": "The event is being handled; it is delivered again.",
    "413": "The body is too large; it is not delivered again.",
    "422": "The event was refused for good: no handler takes it, its data is not what one takes, or one said so.",
    "429": "Too much to do; the event is delivered again.",
    "500": "The handler failed; the event is delivered again.",
    "503": "Not now; the event is delivered again.",
    "504": "The handler took too long; the event is delivered again.",
}
_PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_UNREADABLE: Json = {
    "description": "The body cannot be decoded.",
    "content": {
        "application/json": {
            "schema": {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}}
        }
    },
}
_FAILURES: Json = {
    "type": "object",
    "required": ["failures"],
    "properties": {
        "failures": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["source", "id", "reason", "retry", "after"],
                "properties": {
                    "source": {"type": "string"},
                    "id": {"type": "string"},
                    "reason": {"type": "string"},
                    "retry": {"type": "boolean"},
                    "after": {"type": ["number", "null"]},
                },
            },
        }
    },
}
_BINARY = (
    "Binary mode as well: the attributes as `ce-` headers (`ce-specversion: 1.0`, `ce-id`, `ce-source`, `ce-type`), "
    "the data as the body, its media type as the Content-Type."
)


class Taken(NamedTuple):
    """The events of one type: their handler, and the schemas of their data and of its reply's, None where any fits."""

    type: str
    handler: Handler
    data: Json | None
    reply: Json | None


def taken(handlers: Mapping[str, Handler]) -> tuple[list[Taken], Json]:
    """What these handlers take, by type, and the schemas that theirs refer to, by name."""
    wanted: list[tuple[Any, Any, pydantic.TypeAdapter[Any]]] = []
    for type_, handler in handlers.items():
        for mode, annotation in (("validation", handler.takes), ("serialization", handler.gives)):
            if annotation is not None:
                wanted.append((type_, mode, pydantic.TypeAdapter(annotation)))
    schemas, definitions = pydantic.TypeAdapter.json_schemas(wanted, ref_template="#/components/schemas/{model}")
    found = [
        Taken(type_, handler, schemas.get((type_, "validation")), schemas.get((type_, "serialization")))
        for type_, handler in handlers.items()
    ]
    return found, dict(definitions.get("$defs", {}))


def add_unreadable(document: Json) -> None:
    """Put FastAPI's answer to a body that cannot be decoded, of which it says nothing, into an OpenAPI document."""
    for path in document.get("paths", {}).values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["responses"].setdefault("400", _UNREADABLE)


def add_events(document: Json, handlers: Mapping[str, Handler]) -> None:
    """Put ``POST /`` into an OpenAPI document."""
    found, schemas = taken(handlers)
    structured = {"oneOf": [_event(one) for one in found]} if len(found) > 1 else _event(found[0])
    results = [one.reply for one in found if one.reply is not None] + [_FAILURES]
    responses: Json = {
        "200": {
            "description": "Done. The body is the data of the reply event, or names the events of a batch that failed.",
            "content": {"*/*": {}} if any(one.handler.replies_freely for one in found) else _json({"anyOf": results}),
        },
        "204": {"description": "Done."},
        **{
            status: {"description": text, "content": {"application/problem+json": {"schema": _PROBLEM}}}
            for status, text in _PROBLEMS.items()
        },
    }
    document.setdefault("paths", {})["/"] = {
        **document.get("paths", {}).get("/", {}),
        "post": {
            "summary": "Events",
            "description": f"{_listing(found)}\n\n{_BINARY}",
            "operationId": "receive_events",
            "requestBody": {
                "required": True,
                "content": {
                    cloudevents.STRUCTURED: {"schema": structured},
                    # What cannot be handled is named in the answer, so as a batch it is fine.
                    cloudevents.BATCHED: {"schema": {"type": "array", "items": _any_event(_STRING)}},
                },
            },
            "responses": responses,
        },
    }
    document.setdefault("components", {}).setdefault("schemas", {}).update(schemas)


def asyncapi(info: Json, handlers: Mapping[str, Handler]) -> Json:
    """The AsyncAPI 3.0 document of these handlers."""
    found, schemas = taken(handlers)
    messages: Json = {}
    operations: Json = {}
    replies: Json = {}
    for one in found:
        key = _key(one.type)
        messages[key] = _message(one.type, _event(one), one.handler)
        operation: Json = {
            "action": "receive",
            "channel": {"$ref": "#/channels/events"},
            "messages": [{"$ref": f"#/channels/events/messages/{key}"}],
            "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
        }
        if one.handler.reply is not None:
            replies[_key(one.handler.reply)] = _message(
                one.handler.reply, _event(one._replace(type=one.handler.reply, data=one.reply)), None
            )
            operation["reply"] = {
                "channel": {"$ref": "#/channels/replies"},
                "messages": [{"$ref": f"#/channels/replies/messages/{_key(one.handler.reply)}"}],
            }
        operations[f"handle_{key}"] = operation
    channels: Json = {"events": {"address": "/", "messages": _references("messages", messages)}}
    if replies:
        channels["replies"] = {"address": None, "messages": _references("messages", replies)}
    return {
        "asyncapi": "3.0.0",
        "info": info,
        "defaultContentType": cloudevents.STRUCTURED,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages | replies, "schemas": schemas},
    }


def _event(one: Taken) -> Json:
    """A structured event of this type."""
    kind: Json = _STRING if one.type == ANY else {"const": one.type}
    return _any_event(kind) if one.data is None else _event_with(kind, {"data": one.data, "data_base64": False}, "data")


def _any_event(kind: Json) -> Json:
    """A structured event with any data, as JSON or as base64."""
    either = [{"properties": {name: {"type": "null"}}} for name in ("data", "data_base64")]
    encoded = {"type": ["string", "null"], "pattern": _BASE64}
    return {**_event_with(kind, {"data": {}, "data_base64": encoded}), "anyOf": either}


def _event_with(kind: Json, data: Json, *required: str) -> Json:
    properties: Json = {
        "specversion": {"const": "1.0"},
        "id": _STRING,
        "source": _STRING,
        "type": kind,
        "subject": _OPTIONAL,
        "dataschema": _ABSOLUTE,
        "time": {"type": ["string", "null"], "format": "date-time"},
        "datacontenttype": {"enum": ["application/json", None]},
        **data,
    }
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", *required],
        "properties": properties,
        "propertyNames": {"pattern": "^[a-z0-9]+$|^data_base64$"},
        "additionalProperties": _EXTENSION,
    }


def _message(type_: str, payload: Json, handler: Handler | None) -> Json:
    headers = {name: {"type": "string"} for name in ("ce-id", "ce-source")}
    fixed: Json = {
        "ce-specversion": {"const": "1.0"},
        "ce-type": {"type": "string"} if type_ == ANY else {"const": type_},
    }
    message: Json = {
        "name": type_,
        "contentType": cloudevents.STRUCTURED,
        "payload": payload,
        # Binary mode, where the body is the payload's `data`.
        "bindings": {"http": {"headers": {"type": "object", "properties": headers | fixed}, "bindingVersion": "0.3.0"}},
    }
    text = None if handler is None else inspect.getdoc(handler.function)
    return message if not text else {**message, "summary": text.splitlines()[0]}


def _listing(found: list[Taken]) -> str:
    lines = []
    for one in found:
        text = (inspect.getdoc(one.handler.function) or one.handler.name).splitlines()[0]
        reply = f" Replies with `{one.handler.reply}`." if one.handler.reply else ""
        lines.append(f"- `{one.type}`: {text}{reply}")
    return "Receives CloudEvents, by type:\n\n" + "\n".join(lines)


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _references(kind: str, entries: Json) -> Json:
    return {key: {"$ref": f"#/components/{kind}/{key}"} for key in entries}


def _key(type_: str) -> str:
    """What a component may be called."""
    return "any" if type_ == ANY else re.sub(r"[^A-Za-z0-9._-]", "_", type_)
