"""The app's Broker. Every app has one: functions publish to it and replies return to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.plan import merge
from patternapp.plan.model import Broker, Part

if TYPE_CHECKING:
    from patternapp.spec import v1alpha1


def part(spec: v1alpha1.Spec) -> Part:
    """The Broker node, with the app's delivery."""
    resolved = merge.delivery(None, spec.delivery)
    broker = Broker(
        class_=spec.broker.class_,
        config=spec.broker.config,
        delivery=resolved.delivery,
        dead_letter=resolved.dead_letter,
    )
    return Part(nodes=(broker,))
