"""Schedules: cron expressions that come true, in time zones that exist."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp import schedule as cron
from patternapp.spec.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.v1alpha1 import PatternApp

_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)
"""Whether an expression ever comes true must not depend on the day on which somebody asks; a leap year follows."""


def readable(app: PatternApp) -> Iterator[Flaw]:
    """Every expression can be read and comes true, and every zone is known."""
    for index, entry in enumerate(app.spec.schedules):
        path = ("spec", "schedules", index)
        try:
            parsed = cron.parse(entry.cron)
        except errors.ScheduleError as error:
            yield Flaw((*path, "cron"), "BadCron", str(error))
        else:
            if parsed.next_after(_SOME_DAY) is None:
                message = f"cron {entry.cron!r} never comes true; write a day that its months have"
                yield Flaw((*path, "cron"), "NeverFires", message)
        try:
            cron.parse("@daily", entry.time_zone)
        except errors.ScheduleError as error:
            yield Flaw((*path, "timeZone"), "BadTimeZone", str(error))
