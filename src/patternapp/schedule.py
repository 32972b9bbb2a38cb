"""Cron expressions in a time zone: when is the next time?

What holds here:

* An instant is a time of the schedule if the zone's clocks show, at that instant, a time that every field matches. So
  a local time that clocks skip in spring never comes that day, and one that they show twice in autumn comes twice. That
  is what Knative's PingSource does, whose parser and semantics these are (robfig/cron v3): ``dev`` must not be kinder
  than the cluster. Schedules that must run once a day keep clear of the hours in which their zone changes.
* Fields are minute, hour, day of month, month, day of week, with an optional field for seconds in front. Days of the
  week are 0 (Sunday) to 6. If both day fields are restricted, either may match; ``*`` and ``?`` do not restrict, while
  ``*/2`` does.
* Pure: the time is an argument, and nothing is kept between calls.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HORIZON_YEARS = 5
"""How many calendar years after the current one are searched before "never"."""

DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Field:
    """The range of one field, the words that stand for numbers, and what to say to a number outside."""

    title: str
    low: int
    high: int
    words: Mapping[str, int]
    mend: str


def _numbered(words: str, first: int) -> Mapping[str, int]:
    return {word: number for number, word in enumerate(words.split(), first)}


_FIELDS = (
    _Field("seconds", 0, 59, {}, "write 0 to 59"),
    _Field("minutes", 0, 59, {}, "write 0 to 59"),
    _Field("hours", 0, 23, {}, "write 0 to 23"),
    _Field("day of month", 1, 31, {}, "write 1 to 31"),
    _Field(
        "month", 1, 12, _numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1), "write 1 to 12 or jan to dec"
    ),
    _Field(
        "day of week",
        0,
        6,
        _numbered("sun mon tue wed thu fri sat", 0),
        "write 0 (Sunday) to 6 or sun to sat; 7 is not Sunday here",
    ),
)


@dataclass(frozen=True, slots=True)
class _Values:
    """What one field lets through, in order; `star` if it says that it restricts nothing."""

    numbers: tuple[int, ...]
    star: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression in a time zone.

    Attributes:
        cron: The expression as it was written.
        zone: The IANA name of the zone.
    """

    cron: str
    zone: str
    _fields: tuple[_Values, ...]
    _tzinfo: tzinfo

    def next_after(self, instant: datetime) -> datetime | None:
        """The first time of this schedule that is later than `instant`, in UTC.

        None where there is none up to the end of the fifth calendar year after that of `instant`.

        Raises:
            ValueError: `instant` has no time zone.
        """
        if instant.tzinfo is None:
            raise ValueError("a schedule needs an instant with a time zone")
        asked = instant.astimezone(UTC).replace(microsecond=0)
        if asked.year + HORIZON_YEARS + 1 >= MAXYEAR:
            return None
        start = asked + _SECOND
        for begin, end, offset in _stretches(self._tzinfo, start):
            shown = self._first_shown((begin + offset).replace(tzinfo=None), (end + offset).replace(tzinfo=None))
            if shown is not None:
                return shown.replace(tzinfo=UTC) - offset
        return None

    def _first_shown(self, begin: datetime, end: datetime) -> datetime | None:
        """The first matching local time from `begin` up to, but not including, `end`; clocks do not jump between."""
        day, since = begin.date(), begin.time()
        while day <= end.date():
            if self._has_day(day) and (moment := self._first_moment(since)) is not None:
                found = datetime.combine(day, moment)
                return found if found < end else None
            day, since = day + _DAY, time()
        return None

    def _has_day(self, day: date) -> bool:
        _, _, _, days, months, weekdays = self._fields
        if day.month not in months.numbers:
            return False
        by_date = day.day in days.numbers
        by_weekday = day.isoweekday() % 7 in weekdays.numbers
        return by_date and by_weekday if days.star or weekdays.star else by_date or by_weekday

    def _first_moment(self, since: time) -> time | None:
        seconds, minutes, hours = (field.numbers for field in self._fields[:3])
        least = (since.hour, since.minute, since.second)
        for hour in hours:
            if (hour, minutes[-1], seconds[-1]) < least:
                continue
            for minute in minutes:
                if (hour, minute, seconds[-1]) < least:
                    continue
                return next(time(hour, minute, second) for second in seconds if (hour, minute, second) >= least)
        return None


def parse(cron: str, zone: str = "UTC") -> Schedule:
    """The schedule of an expression such as ``0 2 * * 1-5`` or ``@daily`` in an IANA time zone.

    Raises:
        ScheduleError: The expression or the zone cannot be read; the message says what to write instead.
    """
    text = cron.strip().lower()
    if text.startswith(("tz=", "cron_tz=")):
        raise errors.ScheduleError(f"cron {cron!r}: the zone has a place of its own; write it in timeZone")
    if text.startswith("@every"):
        raise errors.ScheduleError(f"cron {cron!r}: @every is not known to Knative; write a step such as */5 * * * *")
    if text.startswith("@") and text not in DESCRIPTORS:
        raise errors.ScheduleError(f"cron {cron!r}: not a known word; write one of {', '.join(DESCRIPTORS)}")
    parts = DESCRIPTORS.get(text, text).split()
    if len(parts) == len(_FIELDS) - 1:
        parts.insert(0, "0")
    if len(parts) != len(_FIELDS):
        raise errors.ScheduleError(
            f"cron {cron!r}: {len(parts)} fields; write five, which are minute, hour, day of month, month and "
            "day of week, or six with seconds in front"
        )
    try:
        fields = tuple(_values(field, part) for field, part in zip(_FIELDS, parts, strict=True))
    except ValueError as error:
        raise errors.ScheduleError(f"cron {cron!r}: {error}") from None
    return Schedule(cron, zone, fields, _zone(zone))


def _zone(name: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # ValueError: not a relative path. OSError: a folder of the database such as America, or a name without end.
        raise errors.ScheduleError(f"time zone {name!r}: not known; write an IANA name such as Europe/Berlin") from None


def _values(field: _Field, text: str) -> _Values:
    terms = [_term(field, term) for term in text.split(",")]
    return _Values(tuple(sorted({number for term in terms for number in term.numbers})), any(t.star for t in terms))


def _term(field: _Field, term: str) -> _Values:
    span, slash, step_text = term.partition("/")
    step = _number(field, step_text) if slash else 1
    if step < 1:
        raise ValueError(f"{field.title}: the step in {term!r} is 0; write 1 or more")
    if span in {"*", "?"}:
        return _Values(tuple(range(field.low, field.high + 1, step)), step == 1)
    first, dash, last = span.partition("-")
    low = _within(field, first)
    # robfig/cron: "N/step" means from N to the end by step.
    high = _within(field, last) if dash else field.high if slash else low
    if high < low:
        raise ValueError(f"{field.title}: {term!r} runs backwards; write it as two ranges with a comma between")
    return _Values(tuple(range(low, high + 1, step)), star=False)


def _within(field: _Field, text: str) -> int:
    number = field.words[text] if text in field.words else _number(field, text)
    if not field.low <= number <= field.high:
        raise ValueError(f"{field.title}: {number} is out of range; {field.mend}")
    return number


def _number(field: _Field, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError(f"{field.title}: {text!r} is not a number; {field.mend}")
    return int(text)


def _stretches(zone: tzinfo, start: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Consecutive pieces of time from `start`, a day long at most, in each of which the zone's offset is constant.

    They end with the last local year of the horizon. A zone is taken to change at most once a day.
    """
    last_year = (start + _offset(zone, start)).year + HORIZON_YEARS
    begin = start
    while (begin + (offset := _offset(zone, begin))).year <= last_year:
        end = begin + _DAY
        if _offset(zone, end) != offset:
            end = _change(zone, begin, end)
        yield begin, end, offset
        begin = end


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The first second with another offset than `before` has; `after` has one."""
    offset = _offset(zone, before)
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return after


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()
