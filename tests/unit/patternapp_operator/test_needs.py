from __future__ import annotations

import pytest

from patternapp.cluster import resources
from patternapp_operator import needs


def test_the_table_knows_every_kind_and_no_other() -> None:
    assert needs.resources(needs.PATTERNS) == sorted({needs.resource(kind) for kind in resources.KINDS})


def test_without_patterns_there_are_functions_a_broker_and_dead_letters() -> None:
    assert needs.resources([]) == [
        "brokers.eventing.knative.dev",
        "configmaps",
        "deployments.apps",
        "eventpolicies.eventing.knative.dev",
        "networkpolicies.networking.k8s.io",
        "persistentvolumeclaims",
        "services",
        "services.serving.knative.dev",
        "sinkbindings.sources.knative.dev",
    ]


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no such pattern: queue; there are gateway, "):
        needs.resources(["queue"])
