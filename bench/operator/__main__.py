"""The operator beside kro: how fast and at what cost each makes and keeps the same apps of eight objects.

Every course has an API server of its own; the systems take turns. Conditions of the objects come from the benchmark,
in the place of their controllers, for both systems alike. The environment says how much is measured: ``APPS="100 300"``
(apps), ``CHANGES`` (changes of one app), ``STEADY`` (seconds in which nothing happens), ``ROUNDS`` (courses of each,
of which the median counts), ``SYSTEMS`` (some of `_SYSTEMS`).
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import course
import report
import systems
from cluster import build

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from course import Course

_SYSTEMS: Mapping[str, systems.System] = {
    "patternapp": systems.PatternApp(),
    "kro-tuned": systems.Kro("kro-tuned", systems.TUNED),
    "kro": systems.Kro("kro"),
}
_OURS, _RIVAL = "patternapp", "kro-tuned"
Courses = dict[tuple[int, str], list["Course"]]


class Row(NamedTuple):
    """One figure of a course: its name, its unit, how it is read, and our target, for so many apps or for any."""

    name: str
    unit: str
    read: Callable[[Course], float]
    target: float | Literal["rival"] | None = None
    target_at: int | None = None


ROWS = (
    Row("all ready", "s", lambda one: one.ready, "rival", 300),
    Row("API server CPU until then", "s", lambda one: one.server_cpu, "rival", 300),
    Row("operator CPU until then", "s", lambda one: one.operator_cpu),
    Row("operator memory at most", "MiB", lambda one: one.memory, 150, 1_000),
    Row("requests an app", "", lambda one: one.requests),
    Row("writes an app", "", lambda one: one.writes),
    Row("one change to ready, p50", "ms", lambda one: _quantile(one.changes, 50)),
    Row("one change to ready, p99", "ms", lambda one: _quantile(one.changes, 99)),
    Row("of that after the last object was, p99", "ms", lambda one: _quantile(one.overheads, 99), 1_000),
    Row("writes while nothing happened", "", lambda one: one.idle_writes, 0),
)


def measure() -> Courses:
    """All courses, the systems in turn."""
    chosen = [_SYSTEMS[name] for name in os.environ.get("SYSTEMS", " ".join(_SYSTEMS)).split()]
    rounds = int(os.environ.get("ROUNDS", "1"))
    done: Courses = {}
    with tempfile.TemporaryDirectory(prefix="bench-operator-") as folder:
        for apps in map(int, os.environ.get("APPS", "100 300 1000").split()):
            options = course.Options(
                apps=apps, changes=int(os.environ.get("CHANGES", "100")), steady=float(os.environ.get("STEADY", "60"))
            )
            for system in chosen * rounds:
                began = time.monotonic()
                seen = asyncio.run(course.run(system, options, Path(folder)))
                done.setdefault((apps, system.name), []).append(seen)
                took = f"measured in {time.monotonic() - began:.0f} s"
                print(f"{system.name}, {apps} apps: all ready in {seen.ready:.1f} s, {took}", file=sys.stderr)
    return done


def figures(done: Mapping[tuple[int, str], Sequence[Course]]) -> list[report.Figure]:
    """Ours with the tuned rival as baseline, then each rival's."""
    found = []
    for apps, system in done:
        for row in ROWS:
            value, baseline = _median(done, (apps, system), row), _median(done, (apps, _RIVAL), row)
            ours = system == _OURS
            target = row.target if ours and row.target_at in {None, apps} else None
            found.append(
                report.Figure(
                    name=f"{system}, {apps} apps: {row.name}",
                    value=value if value is not None else 0.0,
                    unit=row.unit,
                    baseline=baseline if ours else None,
                    target=baseline if target == "rival" else target,
                )
            )
    return found


def _median(done: Mapping[tuple[int, str], Sequence[Course]], key: tuple[int, str], row: Row) -> float | None:
    return statistics.median(map(row.read, done[key])) if key in done else None


def _quantile(seconds: Sequence[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1_000


def main() -> None:
    """Measure, and publish."""
    try:
        build.build()
        build.kro()
    except build.NotBuiltError as problem:
        sys.exit(str(problem))
    report.publish("operator", figures(measure()))


if __name__ == "__main__":
    main()
