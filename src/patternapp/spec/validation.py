"""All rules across fields, in one table. They are independent: each runs, whatever the others found."""

from __future__ import annotations

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


def check(app: PatternApp) -> tuple[Flaw, ...]:
    """Everything that the rules find wrong with an app."""
    return tuple(flaw for rule in RULES for flaw in rule(app))
