from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import spec_strategies
import yaml as pyyaml
from hypothesis import given

from patternapp.plan import compile as compiler
from patternapp.render import names, objects, yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LIMITS = {("keda.sh/v1alpha1", "ScaledObject"): 54, ("serving.knative.dev/v1", "Service"): 57}
ALLOWED_NAMESPACE_WORDS = {"objectStoreNamespace"}
"""Ceph's topics name the namespace of the object store, which is not the app's."""


def rendered(resource: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return objects.render(compiler.compile_app(spec_strategies.parsed(resource)))


def keys(data: object) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from keys(value)
    elif isinstance(data, list):
        for item in data:
            yield from keys(item)


@given(spec_strategies.resources())
def test_equal_apps_give_byte_equal_yaml_that_reads_back(resource: dict[str, Any]) -> None:
    items = rendered(resource)

    text = yaml.dump(items)

    assert text == yaml.dump(rendered(resource))
    assert list(pyyaml.safe_load_all(text)) == json.loads(json.dumps(items))


@given(spec_strategies.resources())
def test_names_are_dns_labels_within_limits_and_unique_in_their_kind(resource: dict[str, Any]) -> None:
    items = rendered(resource)

    seen = [(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in items]
    assert len(set(seen)) == len(seen)
    for version, kind, name in seen:
        if kind != "DomainMapping":  # its name is the host
            assert LABEL.fullmatch(name)
            assert len(name) <= LIMITS.get((version, kind), 63)


@given(spec_strategies.resources())
def test_no_core_service_meets_the_one_that_knative_makes(resource: dict[str, Any]) -> None:
    items = rendered(resource)

    knative = {item["metadata"]["name"] for item in items if item["apiVersion"] == "serving.knative.dev/v1"}
    core = {item["metadata"]["name"] for item in items if (item["apiVersion"], item["kind"]) == ("v1", "Service")}
    assert not knative & core


@given(spec_strategies.resources())
def test_an_app_becomes_only_allowed_kinds_and_names_no_namespace(resource: dict[str, Any]) -> None:
    items = rendered(resource)

    assert {(item["apiVersion"], item["kind"]) for item in items} <= set(objects.KINDS)
    words = {key for item in items for key in keys(item) if "namespace" in key.lower()}
    assert words <= ALLOWED_NAMESPACE_WORDS


@given(spec_strategies.resources())
def test_metadata_holds_nothing_but_our_own_labels_and_annotations(resource: dict[str, Any]) -> None:
    items = rendered(resource)

    for item in items:
        assert item["metadata"].keys() <= {"name", "labels", "annotations"}
        assert item["metadata"]["labels"][names.APP_LABEL] == resource["metadata"]["name"]
        assert item["metadata"].get("annotations", {}).keys() <= {names.BROKER_CLASS}


@given(spec_strategies.resources())
def test_every_container_is_restricted(resource: dict[str, Any]) -> None:
    items = rendered(resource)

    pods = [pod for item in items for pod in pods_of(item)]
    for container in (container for pod in pods for container in pod["containers"]):
        security = container["securityContext"]
        assert security["runAsNonRoot"]
        assert not security["allowPrivilegeEscalation"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert all(pod.keys().isdisjoint({"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"}) for pod in pods)


def pods_of(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    spec = item.get("spec", {})
    spec = spec["job"]["spec"] if item["kind"] == "JobSink" else spec
    if "template" in spec:
        yield spec["template"]["spec"]


@given(spec_strategies.resources())
def test_whatever_refers_to_an_object_of_the_app_finds_it(resource: dict[str, Any]) -> None:
    items = rendered(resource)

    made = {(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in items}
    config = resource["spec"].get("broker", {}).get("config")
    wanted = {tuple(ref[key] for key in ("apiVersion", "kind", "name")) for item in items for ref in references(item)}
    assert wanted - {("v1", "ConfigMap", config)} <= made


def references(data: object) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        if data.keys() == {"apiVersion", "kind", "name"}:
            yield data
        for value in data.values():
            yield from references(value)
    elif isinstance(data, list):
        for item in data:
            yield from references(item)
