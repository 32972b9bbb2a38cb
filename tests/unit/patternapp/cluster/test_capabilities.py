from __future__ import annotations

from typing import Any

import pytest

from patternapp import errors
from patternapp.cluster import capabilities, resources
from patternapp.render import capabilities as rendering


def listing(*kinds: tuple[str, str, str]) -> dict[str, Any]:
    """What a server says that serves these groups, versions and kinds."""
    items = [
        {
            "metadata": {"name": group},
            "versions": [{"version": version, "resources": [{"responseKind": {"kind": kind}}]}],
        }
        for group, version, kind in kinds
    ]
    return {"kind": "APIGroupDiscoveryList", "items": items}


NEW, OLD = ("sources.knative.dev", "v1", "KafkaSource"), ("sources.knative.dev", "v1beta1", "KafkaSource")


@pytest.mark.parametrize(
    ("kinds", "version"), [((NEW, OLD), "v1"), ((OLD,), "v1beta1"), ((), "v1")], ids=["both", "old", "none"]
)
def test_the_newest_kafka_source_that_is_served_is_rendered(
    kinds: tuple[tuple[str, str, str], ...], version: str
) -> None:
    served = capabilities.served(listing(*kinds))

    assert served.rendering(rendering.DEFAULT, "ns").kafka_source == version


def test_of_a_kind_with_two_versions_one_is_watched() -> None:
    served = capabilities.served(listing(NEW, OLD))

    kafka = [kind for kind in served.preferred() if kind.kind == "KafkaSource"]

    assert kafka == [resources.ApiKind("sources.knative.dev/v1", "KafkaSource")]


def test_a_server_without_aggregated_discovery_is_refused() -> None:
    with pytest.raises(errors.EnvironmentProblem, match=r"Kubernetes 1\.30 or newer"):
        capabilities.served({"kind": "APIGroupList", "groups": []})
