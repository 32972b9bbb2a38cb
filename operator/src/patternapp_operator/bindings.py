"""How long functions wait for their SinkBinding.

What holds here: Knative writes the Broker's address into a Pod template as that is made, if the binding is ready by
then. Into one that was made before it writes later, which is a second revision, so that all Pods start twice. A binding
that never becomes ready holds nothing up for longer than `patience`: a function can be called without a Broker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patternapp.cluster.resources import Ref
    from patternapp_operator.clock import Clock
    from patternapp_operator.observed import Observed


@dataclass(slots=True, kw_only=True)
class Bindings:
    """The SinkBindings of all apps; `patience` is in seconds, 0 waits for none."""

    observed: Observed
    clock: Clock
    patience: float
    _since: dict[Ref, float] = field(default_factory=dict)

    def wait(self, binding: Ref | None) -> float:
        """Seconds that what this binding writes into should still wait to be made; 0 where nothing is gained by it."""
        if binding is None:
            return 0.0
        seen = self.observed.get(binding)
        if seen is not None and seen.readiness.status == "True":
            self._since.pop(binding, None)
            return 0.0
        now = self.clock.monotonic()
        return max(0.0, self._since.setdefault(binding, now) + self.patience - now)

    def forget(self, ref: Ref) -> None:
        """Nobody wants this object any more."""
        self._since.pop(ref, None)
