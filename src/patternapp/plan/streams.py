"""Pattern: data stream processing. Records of a partitioned log call a function, alone or in micro-batches.

With `filters`, events of the Broker are appended to the log; as with queues, that hand-over keeps the app's delivery
and shares the entry's dead letter. Without, others fill the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import durations
from patternapp.plan import merge
from patternapp.plan.model import Consume, Part, Stream, Trigger

if TYPE_CHECKING:
    from patternapp.plan.model import Edge
    from patternapp.spec import v1alpha1

PATTERN = "stream"


def part(spec: v1alpha1.Spec) -> Part:
    """For each entry a Stream and the Consume that reads it, and a Trigger where the Broker fills it."""
    return Part(
        nodes=tuple(Stream(name=entry.name, kafka=entry.kafka) for entry in spec.streams),
        edges=tuple(edge for entry in spec.streams for edge in _edges(entry, spec.delivery)),
    )


def _edges(entry: v1alpha1.Stream, app: v1alpha1.Delivery) -> tuple[Edge, ...]:
    worker = merge.delivery(entry.delivery, app)
    consume = Consume(
        key=f"{PATTERN}/{entry.name}/worker",
        tail=f"stream/{entry.name}",
        head=f"function/{entry.function}",
        delivery=worker.delivery,
        dead_letter=worker.dead_letter,
        batch_max=None if entry.batch is None else entry.batch.max,
        batch_wait=0.0 if entry.batch is None else durations.seconds(entry.batch.wait),
        ordered=entry.ordering == "ordered",
        min=entry.scale.min,
        max=entry.scale.max,
        lag=entry.scale.lag,
        idle=durations.seconds(entry.scale.idle),
    )
    if entry.filters is None:
        return (consume,)
    append = Trigger(
        key=f"{PATTERN}/{entry.name}",
        head=f"stream/{entry.name}",
        filters=merge.filters(entry.filters),
        delivery=merge.delivery(None, app).delivery,
        dead_letter=worker.dead_letter,
    )
    return append, consume
