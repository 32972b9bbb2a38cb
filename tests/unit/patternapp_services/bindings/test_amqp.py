"""CloudEvents as AMQP messages."""

from __future__ import annotations

from typing import Any

import pytest

from patternapp import errors
from patternapp.cloudevents import Event
from patternapp_services.bindings import amqp

ATTRIBUTES = {"specversion": "1.0", "id": "ä 1", "source": "/s", "type": "t"}


def headers(**attributes: Any) -> dict[str, Any]:
    return {f"cloudEvents:{name}": value for name, value in (ATTRIBUTES | attributes).items()}


def test_an_event_is_a_message_in_binary_mode() -> None:
    event = Event({**ATTRIBUTES, "datacontenttype": "application/json", "retries": 3, "urgent": True}, b'{"n":1}')

    message = amqp.encode(event)

    assert message == ("application/json", headers(retries=3, urgent=True), b'{"n":1}')
    assert amqp.decode(*message) == event


def test_an_underscore_does_for_a_colon() -> None:
    named = {f"cloudEvents_{name}": value for name, value in ATTRIBUTES.items()}

    assert amqp.decode(None, named, b"") == Event(ATTRIBUTES, None)


def test_a_message_in_structured_mode_is_the_event_it_holds() -> None:
    body = b'{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1}'

    event = amqp.decode("application/cloudevents+json", {}, body)

    assert event is not None
    assert (event.attributes["id"], event.data) == ("1", b"1")


def test_a_message_that_does_not_say_that_it_is_an_event_is_none() -> None:
    assert amqp.decode("text/csv", {"x-death": [1]}, b"x") is None


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"cloudEvents:specversion": "1.0", "cloudEvents:id": "1", "cloudEvents:type": "t"}, "source: is missing"),
        (headers(cloudEvents=None) | {"cloudEvents_id": "2"}, "'cloudEvents': is of the type NoneType"),
        (headers() | {"cloudEvents_id": "2"}, "'id': is there twice"),
        (headers(id=b"\xff"), "'id': is not UTF-8"),
        (headers(id=1.5), "'id': is of the type float"),
        (headers(datacontenttype="text/csv"), "datacontenttype: is a header"),
    ],
)
def test_a_message_that_lies_about_being_an_event_is_refused(named: dict[str, Any], reason: str) -> None:
    with pytest.raises(errors.CloudEventError) as refused:
        amqp.decode(None, named, b"x")

    assert str(refused.value).startswith(reason)


def test_any_other_message_is_wrapped() -> None:
    event = amqp.wrap("jobs", message_id="m-1", content_type="text/csv", body=b"42")

    assert event == Event(
        {
            "specversion": "1.0",
            "id": "m-1",
            "source": "/rabbitmq#jobs",
            "type": "dev.knative.rabbitmq.event",
            "datacontenttype": "text/csv",
        },
        b"42",
    )


def test_what_cannot_be_an_attribute_costs_no_message() -> None:
    event = amqp.wrap("jobs", message_id="m-1", content_type="not a type", body=b"")

    assert "datacontenttype" not in event.attributes
    assert event.data is None
