"""From a Kafka record to an item of the backlog.

What holds here: every record becomes an item. One that lies about being a CloudEvent is at its last words at once: it
goes to the dead-letter sink as it is, with the reason, and no handler sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patternapp import cloudevents, delivery, errors
from patternapp.consume.items import Item
from patternapp_services.bindings import kafka as binding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patternapp.consume.items import Lane

FRAME = 128
"""Bytes that an event has in a batch beside its data and its attributes' values, roughly."""


def items(records: Sequence[Any], lane: Lane, *, group: str, function: str, now: float) -> list[Item]:
    """The items of kafka-python's records of one partition, in their order."""
    return [_item(record, lane, group=group, function=function, now=now) for record in records]


def _item(record: Any, lane: Lane, *, group: str, function: str, now: float) -> Item:
    value = record.value
    # Base64 makes four bytes of three, and nobody knows yet whether it is needed.
    size = FRAME + record.serialized_header_size + (0 if value is None else len(value) * 4 // 3)
    try:
        event = binding.decode(record.headers, value)
    except errors.CloudEventError as error:
        outcome = delivery.Outcome(destination=function, code=delivery.UNREADABLE, body=str(error).encode())
        event = cloudevents.with_attributes(_wrapped(record, group), **delivery.error_attributes(outcome))
        return Item(event, lane, record.offset, size, now, last_words=True)
    return Item(_wrapped(record, group) if event is None else event, lane, record.offset, size, now)


def _wrapped(record: Any, group: str) -> cloudevents.Event[bytes | None]:
    place = binding.Place(group, record.topic, record.partition, record.offset, record.timestamp)
    return binding.wrap(place, key=record.key, headers=record.headers, value=record.value)
