from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from patternapp import errors, schedule


def times(cron: str, zone: str, after: str, count: int) -> list[str]:
    """The next times as the zone's clocks show them."""
    parsed, instant, found = schedule.parse(cron, zone), datetime.fromisoformat(after), []
    for _ in range(count):
        following = parsed.next_after(instant)
        if following is None:
            break
        found.append(following.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes"))
        instant = following
    return found


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("", "0 fields; write five"),
        ("* * * *", "4 fields; write five"),
        ("* * * * * * *", "7 fields; write five"),
        ("60 * * * *", "minutes: 60 is out of range; write 0 to 59"),
        ("* 24 * * *", "hours: 24 is out of range; write 0 to 23"),
        ("* * 0 * *", "day of month: 0 is out of range; write 1 to 31"),
        ("* * * 13 *", "month: 13 is out of range; write 1 to 12 or jan to dec"),
        ("* * * * 7", "day of week: 7 is out of range; .*7 is not Sunday"),
        ("60 * * * * *", "seconds: 60 is out of range"),
        ("a * * * *", "minutes: 'a' is not a number"),
        ("-1 * * * *", "minutes: '' is not a number"),
        ("1,,2 * * * *", "minutes: '' is not a number"),
        ("1.5 * * * *", "minutes: '1.5' is not a number"),
        ("*/0 * * * *", "minutes: the step in '\\*/0' is 0"),
        ("*/x * * * *", "minutes: 'x' is not a number"),
        ("5-1 * * * *", "minutes: '5-1' runs backwards"),
        ("* * * * fri-mon", "day of week: 'fri-mon' runs backwards"),
        ("*-5 * * * *", "minutes: '\\*' is not a number"),
        ("* * L * *", "day of month: 'l' is not a number"),
        ("* * 15W * *", "day of month: '15w' is not a number"),
        ("* * * * 1#2", "day of week: '1#2' is not a number"),
        ("\u0661 * * * *", "minutes: .* is not a number"),
        ("@every 5m", "@every is not known to Knative; write a step"),
        ("@reboot", "not a known word; write one of @yearly"),
        ("TZ=UTC * * * * *", "write it in timeZone"),
        ("CRON_TZ=UTC * * * * *", "write it in timeZone"),
        ("9" * 5000 + " * * * *", "minutes: .* is not a number"),
    ],
)
def test_an_expression_that_cannot_be_read_is_refused_with_a_mend(cron: str, message: str) -> None:
    with pytest.raises(errors.ScheduleError, match=message):
        schedule.parse(cron)


@pytest.mark.parametrize("zone", ["", "Nowhere", "America", "../UTC", "/etc/localtime", "a\0b", "x" * 5000])
def test_a_zone_that_is_not_known_is_refused_with_a_mend(zone: str) -> None:
    with pytest.raises(errors.ScheduleError, match="write an IANA name such as Europe/Berlin"):
        schedule.parse("@daily", zone)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="with a time zone"):
        schedule.parse("@daily").next_after(datetime(2026, 1, 1))  # noqa: DTZ001 - the case


def test_times_are_in_utc_and_later_than_asked() -> None:
    instant = datetime(2026, 1, 1, 12, 30, tzinfo=ZoneInfo("Europe/Berlin"))

    following = schedule.parse("30 12 * * *", "Europe/Berlin").next_after(instant)

    assert following == datetime(2026, 1, 2, 11, 30, tzinfo=UTC)
    assert following.tzinfo is UTC


def test_a_fraction_of_a_second_does_not_hide_the_next_second() -> None:
    instant = datetime(2026, 1, 1, 0, 0, 59, 999_999, tzinfo=UTC)

    assert schedule.parse("* * * * *").next_after(instant) == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 4,6,9,11 *"])
def test_a_day_that_never_comes_is_never(cron: str) -> None:
    assert schedule.parse(cron).next_after(datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_a_leap_day_is_found_up_to_the_horizon() -> None:
    assert times("0 0 29 2 *", "UTC", "2024-02-29T00:00:00Z", 1) == ["2028-02-29T00:00+00:00"]
    assert times("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1) == []


def test_the_end_of_the_calendar_is_the_end() -> None:
    assert schedule.parse("@daily").next_after(datetime(9999, 12, 31, 23, 59, 59, 5, tzinfo=UTC)) is None


# Days on which clocks change: what is skipped never comes, what is shown twice comes twice.


def test_berlin_skips_a_time_in_the_lost_hour() -> None:
    assert times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2) == [
        "2026-03-30T02:30+02:00",
        "2026-03-31T02:30+02:00",
    ]


def test_berlin_has_a_time_in_the_repeated_hour_twice() -> None:
    assert times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 3) == [
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:30+01:00",
        "2026-10-26T02:30+01:00",
    ]


def test_an_hourly_schedule_comes_every_hour_through_both_changes() -> None:
    assert times("@hourly", "Europe/Berlin", "2026-03-29T00:30:00Z", 2) == [
        "2026-03-29T03:00+02:00",
        "2026-03-29T04:00+02:00",
    ]
    assert times("@hourly", "Europe/Berlin", "2026-10-25T00:00:00Z", 3) == [
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
        "2026-10-25T04:00+01:00",
    ]


def test_new_york_skips_and_repeats_at_its_own_dates() -> None:
    assert times("0 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 1) == ["2026-03-09T02:00-04:00"]
    assert times("0 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2) == [
        "2026-11-01T01:00-04:00",
        "2026-11-01T01:00-05:00",
    ]


def test_lord_howe_changes_by_half_an_hour() -> None:
    assert times("15,45 1,2 * * *", "Australia/Lord_Howe", "2026-04-04T13:00:00Z", 5) == [
        "2026-04-05T01:15+11:00",
        "2026-04-05T01:45+11:00",
        "2026-04-05T01:45+10:30",
        "2026-04-05T02:15+10:30",
        "2026-04-05T02:45+10:30",
    ]
    assert times("15,45 2 * * *", "Australia/Lord_Howe", "2026-10-03T13:00:00Z", 1) == ["2026-10-04T02:45+11:00"]


def test_apia_had_no_30_december_2011() -> None:
    assert times("0 12 29-31 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", 2) == [
        "2011-12-29T12:00-10:00",
        "2011-12-31T12:00+14:00",
    ]


def test_a_midnight_that_does_not_exist_is_skipped() -> None:
    assert times("@daily", "Africa/Cairo", "2026-04-23T12:00:00Z", 1) == ["2026-04-25T00:00+03:00"]
