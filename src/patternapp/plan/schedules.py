"""Pattern: scheduled jobs. A clock publishes to the Broker, and a Trigger calls the function.

The way over the Broker is on purpose: a PingSource that calls a function itself retries five times within seconds and
then drops the event; a Trigger has the delivery and the dead letter of everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.plan import merge
from patternapp.plan.model import Feed, Part, Schedule, Trigger

if TYPE_CHECKING:
    from patternapp.spec import v1alpha1

PATTERN = "schedule"


def part(spec: v1alpha1.Spec) -> Part:
    """For each entry a Schedule, its Feed to the Broker and its Trigger."""
    schedules = tuple(_schedule(entry) for entry in spec.schedules)
    feeds = tuple(Feed(key=f"{PATTERN}/{schedule.name}/feed", tail=schedule.key) for schedule in schedules)
    triggers = tuple(_trigger(entry, spec.delivery) for entry in spec.schedules)
    return Part(nodes=schedules, edges=(*feeds, *triggers))


def _schedule(entry: v1alpha1.Schedule) -> Schedule:
    return Schedule(
        name=entry.name,
        cron=entry.cron,
        time_zone=entry.time_zone,
        data=entry.data,
        job=entry.job,
        marker=_marker(entry),
    )


def _trigger(entry: v1alpha1.Schedule, app: v1alpha1.Delivery) -> Trigger:
    resolved = merge.delivery(entry.delivery, app)
    return Trigger(
        key=f"{PATTERN}/{entry.name}",
        head=f"function/{entry.function}",
        filters=merge.marked(_marker(entry)),
        delivery=resolved.delivery,
        dead_letter=resolved.dead_letter,
    )


def _marker(entry: v1alpha1.Schedule) -> str:
    return f"{PATTERN}.{entry.name}"
