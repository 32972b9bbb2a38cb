"""A11, A12, A14: expressions that are made to take for ever. Where we evaluate one, its cost is bounded."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patternapp import errors, filters, schedule
from patternapp.spec import crd, load

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """\
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: shop}
spec:
  image: shop:1
  functions: [{name: orders, handler: "shop:app"}]
"""
SECONDS = 10
"""Of the processor's time, for a few thousandths of work."""


def reasons(spec: str) -> set[str]:
    try:
        load.load(HEAD + textwrap.indent(spec, "  "), file="app.yaml")
    except errors.SpecError as error:
        return {problem.reason for problem in error.problems}
    return set()


def within(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program that the kernel ends after so much of the processor's time."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))\n"
    command = (sys.executable, "-c", limit + textwrap.dedent(code))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_limit_of_time_ends_what_takes_for_ever() -> None:
    assert within("while True: pass").returncode == -signal.SIGKILL


CESQL = {
    "10,000 parentheses": "(" * 10_000 + "TRUE" + ")" * 10_000,
    "a text of 1 MB": f"'{'a' * 1_000_000}' = 'a'",
    "LIKE with 1,000 signs": f"type LIKE '{'%a' * 1_000}'",
    "10,000 negations": "NOT " * 10_000 + "TRUE",
}


@pytest.mark.parametrize("name", CESQL)
def test_nothing_here_evaluates_cesql_so_that_no_expression_costs_anything(name: str) -> None:
    with pytest.raises(errors.FilterError, match="CESQL is not available in dev"):
        filters.compile([{"cesql": CESQL[name]}])


@pytest.mark.parametrize("name", [name for name, text in CESQL.items() if len(text) > 4096])
def test_a_long_expression_goes_to_no_cluster(name: str) -> None:
    assert reasons(f'eventDriven: [{{name: e, function: orders, filters: [{{cesql: "{CESQL[name]}"}}]}}]') == {
        "TooLong"
    }


@pytest.mark.parametrize("dialect", ["all", "any", "not"])
def test_filters_are_nested_so_deep_and_no_deeper(dialect: str) -> None:
    condition = "{exact: {type: a}}"
    for _ in range(12):
        condition = f"{{{dialect}: {condition if dialect == 'not' else f'[{condition}]'}}}"

    assert reasons(f"eventDriven: [{{name: e, function: orders, filters: [{condition}]}}]") == {"FilterTooDeep"}


def hostile(length: int = 50_000) -> Iterator[str]:
    """Long texts that nearly match what has repetitions inside repetitions."""
    for part in ("a", "a.", "a-", "1", "1h", "a/", "a:", ".a", "{a}/", "é", "a b"):
        yield part * length + "!"
        yield part * length


def test_no_pattern_of_ours_takes_long_for_any_text() -> None:
    """What users write is never a pattern; what matches it is in one table."""
    done = within("""
        import re
        from patternapp.spec import formats
        from security import test_bounds
        for pattern in formats.FORMATS:
            compiled = re.compile(pattern)
            for text in test_bounds.hostile():
                compiled.match(text)
    """)

    assert done.returncode == 0, done.stderr


def test_the_limit_would_catch_a_pattern_that_explodes() -> None:
    assert within("import re; re.match('^(a+)+$', 'a' * 40 + '!')").returncode == -signal.SIGKILL


def test_an_app_has_no_field_for_a_pattern() -> None:
    """A field that is a regular expression would need an engine without backtracking."""
    names = set(re.findall(r"^ *([A-Za-z]+):", crd.text(), re.MULTILINE))

    assert not {name for name in names if re.search("regex|match|pattern", name, re.IGNORECASE)} - {"pattern"}


NEVER = ("0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 0 30 2 ?")
WRONG = ("* * * * * * *", "0 0 1 1 * 9999", "@every 1ns", "*/0 * * * *", "0-99999999999 * * * *", "TZ=UTC * * * * *")


@pytest.mark.parametrize("cron", NEVER)
def test_a_schedule_that_never_comes_true_is_refused(cron: str) -> None:
    assert reasons(f"schedules: [{{name: s, function: orders, cron: '{cron}'}}]") == {"NeverFires"}


@pytest.mark.parametrize("cron", WRONG)
def test_a_schedule_that_cannot_be_read_is_refused(cron: str) -> None:
    assert reasons(f"schedules: [{{name: s, function: orders, cron: '{cron}'}}]") == {"BadCron"}


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "America", "a\x00b", "x" * 65])
def test_a_time_zone_is_no_file(zone: str) -> None:
    with pytest.raises(errors.ScheduleError):
        schedule.parse("@daily", zone)


def test_the_next_time_is_sought_for_so_many_years_and_no_longer() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime

    found = [schedule.parse("0 0 30 2 *", zone).next_after(datetime(2026, 1, 1, tzinfo=UTC)) for zone in ZONES]

    assert found == [None] * len(ZONES)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < SECONDS


ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns")


def test_the_search_ends_where_years_do() -> None:
    assert schedule.parse("* * * * * *").next_after(datetime(9999, 12, 31, tzinfo=UTC)) is None
