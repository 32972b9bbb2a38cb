from __future__ import annotations

from unit.patternapp_operator.hand_clock import HandClock

from patternapp.cluster import resources
from patternapp_operator import bindings, observed

BINDING = resources.Ref("ns", "sources.knative.dev", "SinkBinding", "shop-services")


def waiting(clock: HandClock, cluster: observed.Observed) -> bindings.Bindings:
    return bindings.Bindings(observed=cluster, clock=clock, patience=30.0)


def tell(cluster: observed.Observed, status: str, *, version: int) -> None:
    """Let the binding be seen in a state."""
    metadata = {"name": BINDING.name, "namespace": BINDING.namespace, "uid": "1", "resourceVersion": f"{version}"}
    conditions = [{"type": "Ready", "status": status}]
    head = {"apiVersion": "sources.knative.dev/v1", "kind": BINDING.kind}
    cluster.note(BINDING, head | {"metadata": metadata, "status": {"conditions": conditions}})


def test_nothing_waits_for_a_binding_that_is_ready_or_that_it_has_not() -> None:
    cluster = observed.Observed()
    found = waiting(HandClock(), cluster)

    tell(cluster, "True", version=1)

    assert found.wait(None) == found.wait(BINDING) == 0


def test_what_is_bound_waits_no_longer_than_patience_lasts() -> None:
    clock, cluster = HandClock(), observed.Observed()
    found = waiting(clock, cluster)
    waits = [found.wait(BINDING)]

    tell(cluster, "Unknown", version=1)
    for seconds in (10, 19, 1, 100):
        clock.seconds += seconds
        waits.append(found.wait(BINDING))

    assert waits == [30, 20, 1, 0, 0]


def test_a_binding_that_was_ready_is_waited_for_anew() -> None:
    clock, cluster = HandClock(), observed.Observed()
    found = waiting(clock, cluster)
    found.wait(BINDING)
    clock.seconds += 25
    tell(cluster, "True", version=1)
    found.wait(BINDING)

    tell(cluster, "False", version=2)

    assert found.wait(BINDING) == 30
