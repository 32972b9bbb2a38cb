"""Functions are made once the SinkBinding can write the Broker's address into them, or does not come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import harness
from apiserver.operator.rig import APP, SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.operator.rig import Kubectl, Replica

BINDING = ("SinkBindingsources.knative.dev", "shop-services")


def pending(kubectl: Kubectl) -> dict[str, Any] | None:
    """The binding, once all but what waits for bindings is there."""
    live = kubectl.live()
    waits = kubectl.condition("Functions").get("reason") == "BindingPending"
    return live[BINDING] if waits and BINDING in live and SERVICE not in live else None


def test_a_function_is_made_as_soon_as_its_binding_is_ready(kubectl: Kubectl, replicas: Callable[..., Replica]) -> None:
    replicas("--binding-patience", "600").start()
    kubectl.apply(APP)
    binding = harness.eventually(lambda: pending(kubectl))

    kubectl.report(binding, "Ready", "True", "Ready")

    harness.eventually(lambda: SERVICE in kubectl.live())


def test_a_function_whose_binding_never_becomes_ready_is_made_all_the_same(
    kubectl: Kubectl, replicas: Callable[..., Replica]
) -> None:
    replicas("--binding-patience", "3").start()
    kubectl.apply(APP)
    harness.eventually(lambda: pending(kubectl))

    harness.eventually(kubectl.settled)


def test_a_function_that_is_there_is_corrected_whatever_its_binding_says(
    kubectl: Kubectl, replicas: Callable[..., Replica]
) -> None:
    replicas("--binding-patience", "600").start()
    kubectl.apply(APP)
    binding = harness.eventually(lambda: pending(kubectl))
    kubectl.report(binding, "Ready", "True", "Ready")
    harness.eventually(lambda: SERVICE in kubectl.live())
    service = kubectl.wanted()[SERVICE]

    kubectl.report(kubectl.live()[BINDING], "Ready", "False", "SinkMissing")
    kubectl.server.merge(kubectl.path(service), {"spec": {"template": {"spec": {"timeoutSeconds": 1}}}}).object()

    harness.eventually(lambda: kubectl.restored(service))
