"""What an entry leaves out: delivery field by field from the app, then from the defaults; filters as one list.

What holds here:

* An entry that sets one field of its delivery keeps every other field of the app's, the dead letter included. Knative
  does not merge: a Trigger with any ``delivery`` drops all retries of its Broker, so the plan never leaves a gap.
* Filters come out as Knative's JSON, in the author's order, all of which must match.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from patternapp import durations
from patternapp.delivery import DeliverySpec
from patternapp.plan.model import SOURCE_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.plan.model import FilterList
    from patternapp.spec import filters as spec_filters
    from patternapp.spec import v1alpha1

DEFAULTS = DeliverySpec()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A delivery with nothing left open. `dead_letter` is a node's key; None means the app's own store."""

    delivery: DeliverySpec
    dead_letter: str | None


def delivery(entry: v1alpha1.Delivery | None, app: v1alpha1.Delivery) -> Resolved:
    """The entry's fields over the app's over the defaults."""
    own = entry or app
    delay = _either(own.backoff_delay, app.backoff_delay)
    timeout = _either(own.timeout, app.timeout)
    return Resolved(
        DeliverySpec(
            retry=_filled(_either(own.retry, app.retry), DEFAULTS.retry),
            backoff_policy=_filled(_either(own.backoff_policy, app.backoff_policy), DEFAULTS.backoff_policy),
            backoff_delay=DEFAULTS.backoff_delay if delay is None else durations.seconds(delay),
            timeout=DEFAULTS.timeout if timeout is None else durations.seconds(timeout),
        ),
        _dead_letter(_either(own.dead_letter, app.dead_letter)),
    )


def filters(*parts: tuple[spec_filters.Filter, ...]) -> FilterList:
    """The conditions of all parts, as Knative's JSON."""
    return tuple(_dialect(condition) for part in parts for condition in part)


def marked(marker: str) -> FilterList:
    """The condition that an event is of the source with this marker."""
    return ({"exact": {SOURCE_ATTRIBUTE: marker}},)


def _either(own: T | None, app: T | None) -> T | None:
    return app if own is None else own


def _filled(value: T | None, default: T) -> T:
    return default if value is None else value


def _dead_letter(target: v1alpha1.DeadLetter | None) -> str | None:
    if target is None:
        return None
    return f"function/{target.function}" if target.function is not None else target.uri


def _dialect(condition: spec_filters.Filter) -> Mapping[str, Any]:
    return condition.model_dump(mode="json", by_alias=True, exclude_none=True)
