"""`patternapp schedule` of a running app."""

from __future__ import annotations

from typing import Any


def test_schedules_are_listed_with_their_next_time(app: Any) -> None:
    head, line = app.run("schedule list").out.splitlines()

    assert head.split("   ")[0] == "NAME"
    assert line.split()[:5] == ["yearly", "@yearly", "UTC", "greeter", "-"]
    assert line.split()[5].endswith("-01-01T00:00:00Z")


def test_a_schedule_is_fired_beside_its_times(app: Any) -> None:
    event = app.run("schedule run yearly -o json").json()["event"]

    app.dev.settled()
    known = app.dev.event(event)
    assert known["data"] == {"days": 7}
    assert [delivery["state"] for delivery in known["deliveries"]] == ["delivered"]


def test_a_schedule_that_is_not_there_is_wrong_input_with_those_that_are(app: Any) -> None:
    result = app.run("schedule run monthly")

    assert (result.code, result.out) == (1, "")
    assert "there is no schedule 'monthly'; schedules: yearly" in result.err
