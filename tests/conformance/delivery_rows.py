"""How often and when a subscriber is called, what becomes of its reply, and what a dead letter tells."""

from __future__ import annotations

import dataclasses
from typing import Any

from conformance import looks
from conformance.rows import OK, Request, Row, Says, Trigger

DOWN = Says(503)
JSON = {"content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
PONG = {"ce-specversion": "1.0", "ce-id": "{row}~reply", "ce-source": "/conformance", "ce-type": "{row}.reply"}
UNIT = 2.0
"""Seconds of delay where waits are measured: half of it is what a busy machine may be late."""
BURIED = Trigger(retry=3, dead=(OK,))
"""Few and quick retries, and what fails is seen at a dead-letter sink."""
PATIENT = dataclasses.replace(BURIED, delay=UNIT)
LISTENER = Trigger(name="b", filters=({"exact": {"type": "{row}.reply"}},))
"""Gets what the row's subscriber replies."""
AFTER = (
    "The default Broker heeds Retry-After where the cluster's flag delivery-retryafter is on and the Trigger says "
    "retryAfterMax; it is off as Knative is installed. The operator's Triggers say it where the flag is on."
)
FOLLOWED = (
    "The specification has a redirect fail and webhooks must not follow one; the default Broker's HTTP client does, "
    "and to another host it would take the event along."
)
TAKEN_NOT_DONE = (
    "A 202 says that the work is still to be done, and the specification has its body ignored; the default Broker "
    "takes an event in it for the reply all the same."
)
LOST = "The default Broker loses all three attributes there: its dispatcher looks for them in an empty answer."
SYNCHRONOUS = (
    "With an in-memory channel the default Broker answers the producer once every Trigger has ended, and with a 500 "
    "where one failed for good and has no dead-letter sink; the producer sends again, and all others get the event "
    "twice. The specification and dev answer once the event is kept."
)


def row(level: Any, sentence: str, want: str, *triggers: Trigger, **more: Any) -> Row:
    return Row(
        **{
            "section": "Delivery",
            "source": "data-plane",
            "look": looks.tried,
            "level": level,
            "sentence": sentence,
            "want": want,
            "triggers": triggers,
            **more,
        }
    )


def says(*answers: Says, trigger: Trigger = BURIED, **more: Any) -> Trigger:
    """A Trigger whose subscriber answers so."""
    return dataclasses.replace(trigger, answers=answers, **more)


def waits(level: Any, sentence: str, want: str, trigger: Trigger, **more: Any) -> Row:
    return row(level, sentence, f"waits {want}", trigger, **{"source": "retries", "look": looks.waits(UNIT), **more})


TRIES = (
    row("MUST", "A 2xx acknowledges the event", "tried once, delivered", says(Says(200))),
    row("MUST", "So does a 202, whose work is still to be done", "tried once, delivered", says(Says(202))),
    *(
        row("SHOULD", f"A {code} is tried again", "tried twice, delivered", says(Says(code), OK))
        for code in (404, 408, 409, 429, 500, 502, 503, 504)
    ),
    *(
        row("SHOULD", f"A {code} is not tried again", "tried once, dead letter", says(Says(code), OK))
        for code in (400, 401, 403, 405, 410, 413, 415, 422)
    ),
    row(
        "MUST NOT",
        "A redirect is not followed",
        "a once, b never, a.dead once",
        says(Says(307, {"location": "{b}"})),
        Trigger(name="b", filters=({"exact": {"type": "nothing"}},)),
        source="webhook",
        look=looks.counts("a", "b", "a.dead"),
        why=FOLLOWED,
    ),
    row("MUST", "Attempts end with the last retry", "tried 4 times, dead letter", says(DOWN)),
    row("MUST", "Without retries there is one attempt", "tried once, dead letter", says(DOWN, OK, retry=0)),
    row(
        "MUST",
        "An attempt ends with its timeout, and is made again",
        "tried twice, delivered",
        says(Says(204, after=30.0), OK, timeout=UNIT),
    ),
    row(
        "MAY",
        "A 2xx body that is no event is a failure, and tried again",
        "tried twice, delivered",
        says(Says(200, JSON, b"null"), OK),
        source="filter",
    ),
    row(
        "MAY",
        "So is a reply that is malformed",
        "tried twice, delivered",
        says(Says(200, STRUCTURED, b"{}"), OK),
        source="filter",
    ),
    row(
        "MUST",
        "A broken subscriber is nobody else's trouble",
        "a 4 times, b once",
        says(DOWN),
        Trigger(name="b"),
        look=looks.counts("a", "b"),
    ),
    row(
        "SHOULD",
        "A producer hears that its event is kept, and not how it is delivered",
        "202",
        Trigger(answers=(Says(422),)),
        look=looks.answered,
        why=SYNCHRONOUS,
    ),
)
BACKOFF = (
    waits("MAY", "Waits double, beginning with the delay", "1, 2, 4", says(DOWN, trigger=PATIENT)),
    waits("MAY", "Linear waits grow from none at all", "0, 1, 2", says(DOWN, trigger=PATIENT, policy="linear")),
    waits(
        "SHOULD",
        "Retry-After of a 429 makes the wait longer",
        "3",
        says(Says(429, {"retry-after": f"{3 * UNIT:g}"}), OK, trigger=PATIENT),
        why=AFTER,
    ),
    waits(
        "SHOULD",
        "Retry-After of a 503 does so too",
        "3",
        says(Says(503, {"retry-after": f"{3 * UNIT:g}"}), OK, trigger=PATIENT),
        why=AFTER,
    ),
    waits(
        "SHOULD", "Retry-After never makes it shorter", "1", says(Says(503, {"retry-after": "0"}), OK, trigger=PATIENT)
    ),
    waits(
        "MAY",
        "Retry-After of another code says nothing",
        "1",
        says(Says(500, {"retry-after": f"{3 * UNIT:g}"}), OK, trigger=PATIENT),
    ),
)
REPLIES = tuple(
    dataclasses.replace(one, section="Replies")
    for one in (
        row(
            "MUST",
            "A reply goes to those who want it",
            "b once",
            says(Says(200, PONG)),
            LISTENER,
            look=looks.counts("b"),
        ),
        row(
            "MUST",
            "A reply in structured mode does too",
            "b once",
            says(Says(200, STRUCTURED, b'{"specversion":"1.0","id":"{row}~2","source":"/c","type":"{row}.reply"}')),
            LISTENER,
            look=looks.counts("b"),
        ),
        row(
            "MUST",
            "Its data arrives byte for byte",
            "'[1]'",
            says(Says(200, PONG | JSON, b"[1]")),
            LISTENER,
            look=looks.data("b"),
        ),
        row(
            "MUST",
            "The event in a 202 is no reply",
            "b never",
            says(Says(202, PONG)),
            LISTENER,
            look=looks.counts("b"),
            why=TAKEN_NOT_DONE,
        ),
        row(
            "MUST",
            "Nor is the event in a failure",
            "b never, a.dead once",
            says(Says(422, PONG)),
            LISTENER,
            look=looks.counts("b", "a.dead"),
        ),
        row(
            "MAY",
            "An answer in a circle ends when the passes are used up",
            "a three times",
            says(Says(200, {**PONG, "ce-type": "{row}"})),
            requests=(Request(headers={**PONG, "ce-type": "{row}", "ce-knativebrokerttl": "4"}),),
            source="ttl",
            look=looks.counts("a"),
        ),
        row(
            "MAY",
            "Where a reply is refused, the event is a dead letter",
            "a once, a.dead once",
            says(Says(200, PONG)),
            LISTENER,
            requests=(Request(headers={**PONG, "ce-id": "{row}", "ce-type": "{row}", "ce-knativebrokerttl": "2"}),),
            source="ttl",
            look=looks.counts("a", "a.dead"),
        ),
    )
)
REFUSED = Says(422, {}, b"no such order")
LETTERS = tuple(
    dataclasses.replace(one, section="Dead letters")
    for one in (
        row(
            "MUST",
            "The sink gets the event that was sent",
            "type={row} source=/conformance region=eu",
            says(REFUSED),
            requests=(Request(headers={**PONG, "ce-id": "{row}", "ce-type": "{row}", "ce-region": "eu"}),),
            look=looks.attributes("type", "source", "region", at="a.dead"),
        ),
        row(
            "MUST",
            "Its data too",
            "'[1]'",
            says(REFUSED),
            requests=(Request(headers={**PONG, "ce-id": "{row}", "ce-type": "{row}", **JSON}, body=b"[1]"),),
            look=looks.data("a.dead"),
        ),
        row(
            "MAY",
            "It tells whom the event could not reach",
            "a",
            says(REFUSED),
            source="letters",
            look=looks.destination("a.dead"),
        ),
        row(
            "MAY",
            "It tells the code of the last answer",
            "knativeerrorcode=422",
            says(REFUSED),
            source="letters",
            look=looks.attributes("knativeerrorcode", at="a.dead"),
        ),
        row(
            "MAY",
            "It tells what that answer said, in base64",
            "no such order",
            says(REFUSED),
            source="letters",
            look=looks.failure("a.dead"),
        ),
        row(
            "MAY",
            "Where nobody answered, the code is 500",
            "knativeerrorcode=500",
            says(retry=0),
            source="letters",
            look=looks.attributes("knativeerrorcode", at="a.dead"),
        ),
        row(
            "MAY",
            "Where the answer was no event, the code is 502",
            "knativeerrorcode=502",
            says(Says(200, JSON, b"null"), retry=0),
            source="letters",
            look=looks.attributes("knativeerrorcode", at="a.dead"),
            why=LOST,
        ),
        row(
            "SHOULD",
            "A sink that fails is tried again",
            "a once, a.dead twice",
            says(REFUSED, dead=(DOWN, OK)),
            look=looks.counts("a", "a.dead"),
        ),
        row(
            "MAY",
            "What the sink replies is nobody's event",
            "a.dead once, b never",
            says(REFUSED, dead=(Says(200, PONG),)),
            LISTENER,
            source="retries",
            look=looks.counts("a.dead", "b"),
        ),
        row("MUST", "What was delivered is no dead letter", "tried once, delivered", says(OK)),
    )
)
ROWS = (*TRIES, *BACKOFF, *REPLIES, *LETTERS)
