"""Pattern: fan-out. Each event goes to every subscriber, each with its own Trigger, delivery and dead letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.plan import merge
from patternapp.plan.model import Part, Trigger

if TYPE_CHECKING:
    from patternapp.spec import v1alpha1

PATTERN = "fan-out"


def part(spec: v1alpha1.Spec) -> Part:
    """One Trigger for each subscriber, with the fan-out's filters and then its own."""
    return Part(
        edges=tuple(
            _trigger(entry, subscriber, spec.delivery) for entry in spec.fan_out for subscriber in entry.subscribers
        )
    )


def _trigger(entry: v1alpha1.FanOut, subscriber: v1alpha1.Subscriber, app: v1alpha1.Delivery) -> Trigger:
    resolved = merge.delivery(subscriber.delivery, app)
    return Trigger(
        key=f"{PATTERN}/{entry.name}/{subscriber.name}",
        head=_head(subscriber),
        filters=merge.filters(entry.filters, subscriber.filters),
        delivery=resolved.delivery,
        dead_letter=resolved.dead_letter,
    )


def _head(subscriber: v1alpha1.Subscriber) -> str:
    return f"function/{subscriber.function}" if subscriber.uri is None else subscriber.uri
