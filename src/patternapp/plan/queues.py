"""Pattern: queue-based load leveling. A Trigger hands events over to a queue; workers take them in batches.

The entry's delivery is the workers'. The hand-over keeps the app's, so that a patient worker does not make the Broker
wait, but it shares the entry's dead letter: an event of this queue ends there wherever it fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import durations
from patternapp.plan import merge
from patternapp.plan.model import Consume, Part, Queue, Trigger

if TYPE_CHECKING:
    from patternapp.plan.model import Edge
    from patternapp.spec import v1alpha1

PATTERN = "queue"


def part(spec: v1alpha1.Spec) -> Part:
    """For each entry a Queue, the Trigger that fills it and the Consume that empties it."""
    return Part(
        nodes=tuple(Queue(name=entry.name, kafka=entry.kafka, rabbitmq=entry.rabbitmq) for entry in spec.queues),
        edges=tuple(edge for entry in spec.queues for edge in _edges(entry, spec.delivery)),
    )


def _edges(entry: v1alpha1.Queue, app: v1alpha1.Delivery) -> tuple[Edge, ...]:
    worker = merge.delivery(entry.delivery, app)
    hand_over = Trigger(
        key=f"{PATTERN}/{entry.name}",
        head=f"queue/{entry.name}",
        filters=merge.filters(entry.filters),
        delivery=merge.delivery(None, app).delivery,
        dead_letter=worker.dead_letter,
    )
    consume = Consume(
        key=f"{PATTERN}/{entry.name}/worker",
        tail=f"queue/{entry.name}",
        head=f"function/{entry.function}",
        delivery=worker.delivery,
        dead_letter=worker.dead_letter,
        batch_max=entry.batch.max,
        batch_wait=durations.seconds(entry.batch.wait),
        ordered=entry.ordering == "ordered",
        min=entry.scale.min,
        max=entry.scale.max,
        lag=entry.scale.lag,
        idle=durations.seconds(entry.scale.idle),
    )
    return hand_over, consume
