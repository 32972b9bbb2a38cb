"""All rules across fields, in one table. They are independent: each runs, whatever the others found."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from patternapp.spec.rules import addresses, gateway, names, objects, paths, references, schedules, topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from patternapp.spec.flaws import Flaw
    from patternapp.spec.v1alpha1 import PatternApp

RULES: tuple[Callable[[PatternApp], Iterable[Flaw]], ...] = (
    objects.choices,
    objects.needs,
    objects.min_and_max,
    objects.duration_limits,
    objects.filter_depth,
    names.unique_names,
    names.unique_values,
    names.reserved_variables,
    references.known_functions,
    references.dead_letter_loops,
    paths.routes,
    paths.webhooks,
    gateway.credentials,
    gateway.caches,
    addresses.reachable,
    topics.legal_topics,
    topics.own_queues,
    topics.own_groups,
    schedules.readable,
)


FLAW_LIMIT = 101
"""What one rule may find: one more than is told, so that it shows. Some flaws take a search for the right word."""


def check(app: PatternApp) -> tuple[Flaw, ...]:
    """What the rules find wrong with an app: everything, but of one rule `FLAW_LIMIT` flaws at most."""
    return tuple(flaw for rule in RULES for flaw in itertools.islice(rule(app), FLAW_LIMIT))
