"""Cron as Knative's PingSource reads it: robfig/cron v3 with an optional field for seconds.

Source of the semantics: https://pkg.go.dev/github.com/robfig/cron/v3 "CRON Expression Format". The rows are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest

from patternapp import schedule

START = "2026-07-15T10:20:30"  # a Wednesday


@dataclass(frozen=True)
class Row:
    level: str
    sentence: str
    cron: str
    after: str
    want: str


ROWS = (
    Row("MUST", "* matches every value", "* * * * *", START, "2026-07-15T10:21:00"),
    Row("MUST", "the time itself is not next", "20 10 * * *", "2026-07-15T10:20:00", "2026-07-16T10:20:00"),
    Row("MUST", "a leading field is seconds", "45 * * * * *", START, "2026-07-15T10:20:45"),
    Row("MUST", "every second", "* * * * * *", START, "2026-07-15T10:20:31"),
    Row("MUST", "without it seconds are 0", "20 * * * *", START, "2026-07-15T11:20:00"),
    Row("MUST", "a list", "5,25,45 * * * *", START, "2026-07-15T10:25:00"),
    Row("MUST", "a range holds both ends", "22-24 * * * *", "2026-07-15T10:23:30", "2026-07-15T10:24:00"),
    Row("MUST", "a step over all values", "*/15 * * * *", START, "2026-07-15T10:30:00"),
    Row(
        "MUST",
        "a step within a range begins at its start",
        "23-50/10 * * * *",
        "2026-07-15T10:24:00",
        "2026-07-15T10:33:00",
    ),
    Row("MUST", "N/step runs from N to the end", "25/10 * * * *", "2026-07-15T10:45:00", "2026-07-15T10:55:00"),
    Row("MUST", "a step larger than the range leaves its start", "*/90 * * * *", START, "2026-07-15T11:00:00"),
    Row("MUST", "months by name in any case", "0 0 1 AUG *", START, "2026-08-01T00:00:00"),
    Row("MUST", "a range of months by name", "0 0 1 oct-Dec *", START, "2026-10-01T00:00:00"),
    Row("MUST", "days of the week by name", "0 0 * * Mon", START, "2026-07-20T00:00:00"),
    Row("MUST", "a range of weekdays by name", "0 0 * * sat-SAT", START, "2026-07-18T00:00:00"),
    Row("MUST", "0 is Sunday", "0 0 * * 0", START, "2026-07-19T00:00:00"),
    Row("MUST", "6 is Saturday", "0 0 * * 6", START, "2026-07-18T00:00:00"),
    Row("MUST", "? stands for *", "0 0 ? * 1", START, "2026-07-20T00:00:00"),
    Row("MUST", "both day fields restricted: either", "0 0 18 * mon", START, "2026-07-18T00:00:00"),
    Row("MUST", "both day fields restricted: the other", "0 0 31 * fri", START, "2026-07-17T00:00:00"),
    Row("MUST", "day of month free: the weekday decides", "0 0 * * fri", START, "2026-07-17T00:00:00"),
    Row("MUST", "weekday free: the day of month decides", "0 0 20 * ?", START, "2026-07-20T00:00:00"),
    Row("MUST", "a step of 1 is free", "0 0 */1 * fri", START, "2026-07-17T00:00:00"),
    Row("MUST", "a larger step restricts: either", "0 0 */2 * sun", "2026-07-15T10:20:30", "2026-07-17T00:00:00"),
    Row("MUST", "a larger step of weekdays restricts: either", "0 0 16 * */6", START, "2026-07-16T00:00:00"),
    Row("MUST", "a list with * is free", "0 0 *,5 * fri", START, "2026-07-17T00:00:00"),
    Row("MUST", "@yearly", "@yearly", START, "2027-01-01T00:00:00"),
    Row("MUST", "@annually", "@annually", START, "2027-01-01T00:00:00"),
    Row("MUST", "@monthly", "@monthly", START, "2026-08-01T00:00:00"),
    Row("MUST", "@weekly", "@weekly", START, "2026-07-19T00:00:00"),
    Row("MUST", "@daily", "@daily", START, "2026-07-16T00:00:00"),
    Row("MUST", "@midnight", "@midnight", START, "2026-07-16T00:00:00"),
    Row("MUST", "@hourly", "@hourly", START, "2026-07-15T11:00:00"),
    Row("MUST", "a word in any case", "@Hourly", START, "2026-07-15T11:00:00"),
    Row("MUST", "the minute wraps around the hour", "15 * * * *", START, "2026-07-15T11:15:00"),
    Row("MUST", "the hour wraps around the day", "0 9 * * *", START, "2026-07-16T09:00:00"),
    Row("MUST", "the day wraps around the month", "0 0 14 * *", START, "2026-08-14T00:00:00"),
    Row("MUST", "the month wraps around the year", "0 0 1 6 *", START, "2027-06-01T00:00:00"),
    Row("MUST", "a month without the day is left out", "0 0 31 * *", "2026-08-31T00:00:00", "2026-10-31T00:00:00"),
    Row("MUST", "a leap day waits for its year", "0 0 29 2 *", START, "2028-02-29T00:00:00"),
    Row("MUST", "a leap day on a weekday: either", "0 0 29 2 mon", "2026-02-24T00:00:00", "2027-02-01T00:00:00"),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_the_next_time_is_the_one_that_knative_takes(row: Row) -> None:
    found = schedule.parse(row.cron).next_after(datetime.fromisoformat(row.after + "+00:00"))

    assert found == datetime.fromisoformat(row.want + "+00:00")
