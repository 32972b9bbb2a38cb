"""From the answer to a batch to one outcome an event."""

from __future__ import annotations

import json

from patternapp.cloudevents import Event
from patternapp.consume import verdicts
from patternapp.delivery import Outcome

EVENTS = [Event({"specversion": "1.0", "id": str(number), "source": "/t", "type": "t"}, None) for number in range(3)]


def test_an_answer_without_a_body_is_everybody_s_success() -> None:
    outcomes = verdicts.split(Outcome(destination="f", code=204), EVENTS)

    assert [(one.code, one.error) for one in outcomes] == [(204, None)] * 3


def test_only_what_the_answer_names_has_failed() -> None:
    body = json.dumps({"failures": [{"source": "/t", "id": "1", "reason": "no", "retry": False}]}).encode()

    outcomes = verdicts.split(Outcome(destination="f", code=200, body=body), EVENTS)

    assert [(one.code, one.body, one.together) for one in outcomes] == [
        (200, b"", False),
        (422, b"no", False),
        (200, b"", False),
    ]


def test_a_failure_of_the_whole_request_is_shared() -> None:
    outcomes = verdicts.split(Outcome(destination="f", code=500), EVENTS)

    assert all(one.together and one.code == 500 for one in outcomes)


def test_the_failure_of_a_request_with_one_event_is_its_own() -> None:
    (outcome,) = verdicts.split(Outcome(destination="f", code=500), EVENTS[:1])

    assert not outcome.together


def test_an_answer_that_cannot_be_read_is_a_failure_of_all() -> None:
    outcomes = verdicts.split(Outcome(destination="f", code=200, body=b"null"), EVENTS)

    assert all(one.error is not None and one.together for one in outcomes)
