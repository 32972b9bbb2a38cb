"""What `dev` does not run yet: an app that asks for it is refused with a line that names it, never run without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import errors, filters
from patternapp.plan import model

if TYPE_CHECKING:
    from collections.abc import Iterator

REASON = "NotInDevYet"


def check(plan: model.Plan, *, file: str) -> None:
    """Refuse a plan that asks for something `dev` does not run.

    Raises:
        SpecError: With a problem for every such wish.
    """
    problems = tuple(errors.Problem(file, 0, path, REASON, message) for path, message in _wishes(plan))
    if problems:
        raise errors.SpecError(problems)


def _wishes(plan: model.Plan) -> Iterator[tuple[str, str]]:
    for trigger in plan.edges_of(model.Trigger):
        if filters.uses_cesql(trigger.filters):
            yield trigger.key, "dev cannot filter with cesql yet; use exact, prefix, suffix, all, any and not"
