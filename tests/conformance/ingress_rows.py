"""What a producer is answered, and what becomes of its event."""

from __future__ import annotations

import json
from typing import Any

from conformance import looks
from conformance.rows import EVENT, Request, Row, Trigger

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCHED = {"content-type": "application/cloudevents-batch+json"}
PING = {"specversion": "1.0", "id": "{row}", "source": "/conformance", "type": "{row}"}
TAKEN = "202, arrives once"
ALLOWS = "405; allow: POST, OPTIONS"
REQUIRED = ("specversion", "id", "source", "type")
OLD = "The SDK of the default Broker still reads version 0.3. Nothing of ours would: dev tells the author early."
EMPTY = "The SDK of the default Broker takes an empty header for one that is not there."
SIZE = "dev bounds what one event can take of a machine; how much a cluster takes is for its channel to say."


def changed(**attributes: str) -> dict[str, str]:
    """The event's headers with these of its attributes set anew."""
    return EVENT | {f"ce-{name}": value for name, value in attributes.items()}


def without(name: str) -> dict[str, str]:
    return {header: value for header, value in EVENT.items() if header != f"ce-{name}"}


def structured(value: Any) -> Request:
    return Request(headers=STRUCTURED, body=json.dumps(value).encode())


def row(level: Any, sentence: str, source: str, want: str, request: Request | None = None, **more: Any) -> Row:
    request = Request() if request is None else request
    return Row(
        **{
            "section": "Ingress",
            "level": level,
            "sentence": sentence,
            "source": source,
            "want": want,
            "look": looks.taken,
            "requests": (request,),
            **more,
        }
    )


def refused(sentence: str, request: Request, *, level: Any = "MUST", source: str = "event", why: str = "") -> Row:
    """A row about what is no event: nobody needs to listen."""
    return row(level, sentence, source, "400", request, look=looks.answered, triggers=(), why=why)


TAKES = (
    row("MUST", "An event in binary mode is taken", "data-plane", TAKEN),
    row("MUST", "An event in structured mode is taken", "data-plane", TAKEN, structured(PING)),
    row("MUST", "An event that nobody wants is taken", "data-plane", "202, arrives never", triggers=()),
    row("MAY", "One trailing slash makes no difference", "ingress", TAKEN, Request(path="/")),
    row(
        "MAY",
        "Events in batched mode are taken",
        "http",
        "202, arrives twice",
        Request(headers=BATCHED, body=json.dumps([PING, PING | {"id": "{row}~2"}]).encode()),
        why="The binding leaves batches to the receiver. The default Broker knows none; dev takes them whole or not.",
    ),
    row("MUST", "An event of 64 KiB is taken", "event", TAKEN, Request(body=bytes(63 * 1024))),
    row("MAY", "An event of 900 KiB is taken", "event", TAKEN, Request(body=bytes(900 * 1024))),
    row("MAY", "An event of 2 MiB is taken", "event", TAKEN, Request(body=bytes(2 * 1024 * 1024)), why=SIZE),
)
REFUSES = (
    *(refused(f"An event without {name} is refused", Request(headers=without(name))) for name in REQUIRED),
    refused("An event of version 0.3 is refused", Request(headers=changed(specversion="0.3")), why=OLD),
    refused("An event of no known version is refused", Request(headers=changed(specversion="7"))),
    refused("An empty id is refused", Request(headers=changed(id=""))),
    refused("An empty source is refused", Request(headers=changed(source=""))),
    refused("An empty subject is refused", Request(headers=changed(subject="")), why=EMPTY),
    refused("A time that is none is refused", Request(headers=changed(time="noon"))),
    refused("A dataschema that is no absolute URI is refused", Request(headers=changed(dataschema="schema"))),
    refused("A request that is no event is refused", Request(headers={}, body=b"{}")),
    refused("Structured mode without JSON is refused", Request(headers=STRUCTURED, body=b"<a/>")),
    refused("Structured mode with an empty id is refused", structured({**PING, "id": ""})),
    refused(
        "A batch with one event that is none is refused",
        Request(headers=BATCHED, body=json.dumps([PING, PING | {"id": ""}]).encode()),
    ),
    *(
        refused(
            f"A knativebrokerttl of {ttl} is refused",
            Request(headers=changed(knativebrokerttl=ttl)),
            level="MAY",
            source="ttl",
        )
        for ttl in ("0", "1", "-7")
    ),
)
DOORS = (
    row("MAY", "A GET is refused", "ingress", ALLOWS, Request(method="GET", headers={}), look=looks.header("allow")),
    row("MAY", "So is a PUT", "ingress", ALLOWS, Request(method="PUT"), look=looks.header("allow")),
    row(
        "MUST",
        "OPTIONS is the handshake of a webhook",
        "webhook",
        "200; webhook-allowed-origin: *; webhook-allowed-rate: *",
        Request(method="OPTIONS", headers={"webhook-request-origin": "example.com"}),
        look=looks.header("webhook-allowed-origin", "webhook-allowed-rate"),
    ),
    row(
        "MAY",
        "A path beyond the Broker's is refused",
        "ingress",
        "400",
        Request(path="/else"),
        look=looks.answered,
        triggers=(),
        why="The default Broker reads a path of another length as a malformed request; to dev it is not there (404).",
    ),
)
LOOPS = (
    row("MAY", "A knativebrokerttl of 2 is taken", "ttl", TAKEN, Request(headers=changed(knativebrokerttl="2"))),
    row(
        "MAY",
        "One that is no number begins anew",
        "ttl",
        TAKEN,
        Request(headers=changed(knativebrokerttl="soon")),
    ),
    row("MAY", "So does one of 40 digits", "ttl", TAKEN, Request(headers=changed(knativebrokerttl="9" * 40))),
)
KEPT = (
    row(
        "MUST",
        "Attributes and extensions arrive as they were sent",
        "event",
        "subject=a/b time=2026-01-01T00:00:00Z dataschema=https://example.com/s region=eu",
        Request(
            headers=changed(subject="a/b", time="2026-01-01T00:00:00Z", dataschema="https://example.com/s", region="eu")
        ),
        look=looks.attributes("subject", "time", "dataschema", "region"),
    ),
    row(
        "MUST",
        "Text beyond ASCII arrives as it was sent",
        "http",
        "subject=Größe 5 €",
        Request(headers=changed(subject="Gr%C3%B6%C3%9Fe%205%20%E2%82%AC")),
        look=looks.attributes("subject"),
    ),
    row(
        "MUST",
        "Data arrives byte for byte",
        "event",
        r"'\x00\xff\n{'",
        Request(headers=EVENT | {"content-type": "application/octet-stream"}, body=b"\x00\xff\n{"),
        look=looks.data(),
    ),
    row(
        "MUST",
        "Base64 in structured mode is bytes",
        "event",
        r"'\x00\xff'",
        structured({**PING, "datacontenttype": "application/octet-stream", "data_base64": "AP8="}),
        look=looks.data(),
    ),
    row("MUST", "An event without data has none", "event", "none", look=looks.data()),
    row(
        "MUST",
        "The type of the data arrives as it was sent",
        "http",
        "datacontenttype=text/plain; charset=utf-8",
        Request(headers=EVENT | {"content-type": "text/plain; charset=utf-8"}, body=b"a"),
        look=looks.attributes("datacontenttype"),
    ),
    row(
        "MAY",
        "An event is told when it arrived",
        "ingress",
        "told",
        look=lambda seen: "told" if all("knativearrivaltime" in e.attributes for e in seen.events()) else "not told",
        why="An extension of Knative's own, for its measurements. In dev the timeline of an event tells it.",
    ),
    row(
        "MAY",
        "No subscriber sees it",
        "ttl",
        "knativebrokerttl=none",
        Request(headers=changed(knativebrokerttl="9")),
        look=looks.attributes("knativebrokerttl"),
    ),
    row(
        "SHOULD",
        "A subscriber is asked for a reply",
        "data-plane",
        "reply",
        look=looks.sent_header("prefer"),
    ),
    row(
        "MUST",
        "Every Trigger that matches gets the event once",
        "data-plane",
        "a once, b once",
        triggers=(Trigger(), Trigger(name="b")),
        look=looks.counts("a", "b"),
    ),
)
ROWS = (*TAKES, *REFUSES, *DOORS, *LOOPS, *KEPT)
