"""Pattern: event-driven functions. Events of a source, or of the app's Broker, call a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.plan import merge
from patternapp.plan.model import Feed, Part, Source, Trigger

if TYPE_CHECKING:
    from patternapp.plan.model import FilterList
    from patternapp.spec import sources as spec_sources
    from patternapp.spec import v1alpha1

PATTERN = "event-driven"


def part(spec: v1alpha1.Spec) -> Part:
    """A Trigger for each entry; where it names a source, the Source and its Feed to the Broker as well."""
    sources = tuple(
        Source(name=entry.name, origin=_origin(entry.source), marker=_marker(entry))
        for entry in spec.event_driven
        if entry.source is not None
    )
    feeds = tuple(Feed(key=f"{PATTERN}/{source.name}/feed", tail=source.key) for source in sources)
    triggers = tuple(_trigger(entry, spec.delivery) for entry in spec.event_driven)
    return Part(nodes=sources, edges=(*feeds, *triggers))


def _trigger(entry: v1alpha1.EventDriven, app: v1alpha1.Delivery) -> Trigger:
    resolved = merge.delivery(entry.delivery, app)
    marked: FilterList = () if entry.source is None else merge.marked(_marker(entry))
    return Trigger(
        key=f"{PATTERN}/{entry.name}",
        head=f"function/{entry.function}",
        filters=(*marked, *merge.filters(entry.filters)),
        delivery=resolved.delivery,
        dead_letter=resolved.dead_letter,
    )


def _marker(entry: v1alpha1.EventDriven) -> str:
    return f"{PATTERN}.{entry.name}"


def _origin(source: spec_sources.Source) -> spec_sources.Bucket | spec_sources.Database | spec_sources.Webhook:
    origin = source.bucket or source.database or source.webhook
    if origin is None:
        raise ValueError("a source names one of bucket, database and webhook; patternapp.spec.validation refuses none")
    return origin
