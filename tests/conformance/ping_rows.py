"""Which schedules a PingSource takes, and what it sends."""

from __future__ import annotations

from typing import Any

from conformance import looks
from conformance.rows import Ping, Row, Trigger

from patternapp import cloudevents

FIRED = (Trigger(filters=({"suffix": {"source": "{row}"}},)),)
"""Gets what the row's schedule sends; its source ends in the schedule's name."""
FIRES = 2
SECONDS = 5


def takes(sentence: str, cron: str, want: str = "taken", *, zone: str = "UTC", why: str = "") -> Row:
    return Row(
        section="Schedules",
        level="MUST",
        sentence=sentence,
        source="cron",
        want=want,
        look=looks.admitted,
        triggers=(),
        requests=(),
        ping=Ping(cron=cron, zone=zone),
        why=why,
    )


def sends(sentence: str, want: str, look: Any, **more: Any) -> Row:
    return Row(
        section="Schedules",
        level="MUST",
        sentence=sentence,
        source="ping",
        want=want,
        look=look,
        triggers=FIRED,
        requests=(),
        **more,
    )


ROWS = (
    takes("Five fields", "0 6 * * 1"),
    takes("Six fields, the first of them seconds", "30 0 6 * * 1"),
    takes("Seven fields are too many", "0 30 0 6 * * 1", "refused"),
    takes("Four are too few", "0 6 * *", "refused"),
    takes("Names of months and days in any case", "0 6 * JAN-mar Mon"),
    takes("? stands for *", "0 6 ? * 1"),
    takes("Lists, ranges and steps", "0,15,30-45/5 */2 1-7 * *"),
    takes("N/STEP runs from N to the end", "5/20 * * * *"),
    takes("A word, such as @daily, in lower case", "@daily"),
    takes("@every is not for PingSource", "@every 1h", "refused"),
    takes("7 is no day of the week", "0 6 * * 7", "refused"),
    takes("A range does not run backwards", "0 6 * * 5-1", "refused"),
    takes("A minute is below 60", "60 * * * *", "refused"),
    takes("Days begin with 1", "0 6 0 * *", "refused"),
    takes("A step is not 0", "*/0 * * * *", "refused"),
    takes("L is not known", "0 6 L * *", "refused"),
    takes("A zone by its name", "0 2 * * *", zone="Europe/Berlin"),
    takes("A zone that nobody knows", "0 2 * * *", "refused", zone="Europe/Atlantis"),
    sends(
        f"It fires every {SECONDS} seconds, if told so",
        "waits " + ", ".join(["1"] * FIRES),
        looks.waits(SECONDS),
        ping=Ping(cron=f"*/{SECONDS} * * * * *", fires=FIRES + 1),
    ),
    sends(
        "Its events have a type of their own",
        "type=dev.knative.sources.ping",
        lambda seen: looks.attributes("type")(seen).partition(";")[0],
        ping=Ping(cron="* * * * * *", fires=1),
    ),
    sends(
        "Its data is what was said, as JSON",
        "{'n': 1} application/json",
        lambda seen: f"{cloudevents.data_as_json(seen.events()[0])} {seen.events()[0].attributes['datacontenttype']}",
        ping=Ping(cron="* * * * * *", data={"n": 1}, fires=1),
    ),
    sends(
        "Every event has an id of its own",
        "2 ids",
        lambda seen: f"{len({event.attributes['id'] for event in seen.events()[:2]})} ids",
        ping=Ping(cron="* * * * * *", fires=2),
    ),
)
