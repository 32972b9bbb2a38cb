"""Other projects' manifests, fit for one small node without a registry."""

from __future__ import annotations

from typing import Any

from cluster import build
from cluster.stack import manifests


def deployment(image: str) -> dict[str, Any]:
    container = {
        "image": image,
        "resources": {"requests": {"cpu": "1000m"}, "limits": {"cpu": "1"}},
        "readinessProbe": {"initialDelaySeconds": 20},
        "env": [{"name": "OTHER_IMAGE", "value": "ko://knative.dev/eventing/cmd/mtping"}],
    }
    spec = {"template": {"spec": {"containers": [container]}}}
    return {"kind": "Deployment", "metadata": {"name": "it"}, "spec": spec}


def fitted(image: str) -> dict[str, Any]:
    made = manifests.fit(deployment(image), {})
    container: dict[str, Any] = made["spec"]["template"]["spec"]["containers"][0]
    return container


def test_a_package_becomes_the_image_that_is_built_of_it_wherever_it_is_named() -> None:
    container = fitted("ko://knative.dev/eventing/cmd/broker/ingress")

    assert container["image"] == f"dev.local/eventing-broker-ingress:{build.version('eventing-broker-ingress')}"
    assert container["env"][0]["value"] == f"dev.local/eventing-mtping:{build.version('eventing-mtping')}"


def test_a_released_image_becomes_the_one_that_is_built_and_starts_its_program() -> None:
    container = fitted("ghcr.io/kedacore/keda:main")

    assert container["image"] == f"dev.local/keda-operator:{build.version('keda-operator')}"
    assert container["command"] == ["/keda-operator"]


def test_a_pod_asks_for_little_and_no_registry_is_asked_for_it() -> None:
    container = fitted("ko://knative.dev/serving/cmd/activator")

    assert container["resources"] == {"requests": {"cpu": "10m", "memory": "32Mi"}}
    assert container["imagePullPolicy"] == "Never"
    assert container["readinessProbe"] == {}


def test_settings_are_merged_into_the_config_map_of_their_name() -> None:
    item = {"kind": "ConfigMap", "metadata": {"name": "config-network"}, "data": {"kept": "a", "changed": "b"}}

    made = manifests.fit(item, {"config-network": {"changed": "c"}, "config-other": {"kept": "d"}})

    assert made["data"] == {"kept": "a", "changed": "c"}
