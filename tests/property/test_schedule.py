from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import cronsim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from patternapp import errors, schedule

CALM = settings(deadline=None)
"""A busy machine is no reason to fail."""
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
CHANGES = (
    "2026-03-29T01:00:00+00:00",  # Berlin, spring
    "2026-10-25T01:00:00+00:00",  # Berlin, autumn
    "2026-11-01T06:00:00+00:00",  # New York, autumn
    "2026-04-04T15:00:00+00:00",  # Lord Howe, half an hour
    "2011-12-30T10:00:00+00:00",  # Apia, a whole day
)
BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> str:
    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))
    step = draw(st.integers(1, 20))
    forms = ("*", f"*/{step}", str(first), f"{first}-{last}", f"{first}-{last}/{step}", f"{first},{last}")
    return draw(st.sampled_from(forms))


five_fields = st.tuples(*(fields(*bounds) for bounds in BOUNDS[1:])).map(" ".join)
six_fields = st.tuples(*(fields(*bounds) for bounds in BOUNDS)).map(" ".join)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone
near_changes = st.builds(
    lambda change, minutes: datetime.fromisoformat(change) + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-180, 180),
)


def shows(parts: list[str], moment: datetime) -> bool:
    """Whether clocks that show `moment` match, written down as plainly as can be."""
    shown = (moment.minute, moment.hour, moment.day, moment.month, moment.isoweekday() % 7)
    hits = [value in members(part, *bounds) for part, value, bounds in zip(parts, shown, BOUNDS[1:], strict=True)]
    minute, hour, day, month, weekday = hits
    free = "*" in {parts[2].removesuffix("/1"), parts[4].removesuffix("/1")}
    return minute and hour and month and (day and weekday if free else day or weekday)


def members(part: str, low: int, high: int) -> set[int]:
    span, _, step = part.partition("/")
    if span == "*":
        return set(range(low, high + 1, int(step or 1)))
    if "," in span:
        return {int(item) for item in span.split(",")}
    first, _, last = span.partition("-")
    return set(range(int(first), int(last or first) + 1, int(step or 1)))


@CALM
@given(cron=six_fields, zone=st.sampled_from(ZONES), instant=instants)
def test_times_increase_strictly(cron: str, zone: str, instant: datetime) -> None:
    parsed = schedule.parse(cron, zone)
    for _ in range(5):
        following = parsed.next_after(instant)
        if following is None:
            return
        assert following > instant
        assert following.microsecond == 0
        instant = following


@CALM
@given(cron=five_fields, zone=st.sampled_from(ZONES), start=near_changes)
def test_within_hours_of_a_change_times_are_those_of_brute_force(cron: str, zone: str, start: datetime) -> None:
    clocks, parsed, end = ZoneInfo(zone), schedule.parse(cron, zone), start + timedelta(hours=6)

    minutes = (start + timedelta(minutes=number) for number in range(1, 361))
    wanted = [minute for minute in minutes if shows(cron.split(), minute.astimezone(clocks))]

    found, instant = [], start
    while (following := parsed.next_after(instant)) is not None and following <= end:
        found.append(following)
        instant = following
    assert found == wanted


@CALM
@given(cron=five_fields, instant=instants)
def test_in_utc_times_are_those_of_cronsim(cron: str, instant: datetime) -> None:
    day, weekday = cron.split()[2], cron.split()[4]
    # cronsim takes a star with a step for unrestricted, as Debian does, and N-N/step for N/step.
    assume("*/" not in day + " " + weekday)
    assume(not re.search(r"\b(\d+)-\1/", cron))
    following = schedule.parse(cron).next_after(instant)
    assume(following is not None)

    assert following == next(cronsim.CronSim(cron, instant))


@CALM
@given(text=st.text(st.sampled_from("0123456789*/,-? @abcdefmonjulsun#LW"), max_size=40), zone=st.text(max_size=20))
def test_any_text_is_a_schedule_or_an_error(text: str, zone: str) -> None:
    with contextlib.suppress(errors.ScheduleError):
        schedule.parse(text, "UTC").next_after(datetime(2026, 1, 1, tzinfo=UTC))
    with contextlib.suppress(errors.ScheduleError):
        schedule.parse("@daily", zone)
