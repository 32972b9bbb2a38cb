from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import spec_strategies
import yaml as pyyaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from patternapp.plan import compile as compiler
from patternapp.render import capabilities, names, objects, yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LIMITS = {
    ("keda.sh/v1alpha1", "ScaledObject"): 54,
    ("serving.knative.dev/v1", "Service"): 57,
    ("sinks.knative.dev/v1alpha1", "JobSink"): 28,
}
ALLOWED_NAMESPACE_WORDS = {"objectStoreNamespace", "namespaceSelector"}
"""Ceph's topics name the namespace of the object store, which is not the app's; a NetworkPolicy says who is let in."""
OWN_ANNOTATIONS = {names.BROKER_CLASS, names.DELIVERY_ORDER}
CAPABILITIES = st.builds(
    capabilities.Capabilities,
    kafka_source=st.sampled_from(["v1", "v1beta1"]),
    retry_after=st.booleans(),
    authentication_oidc=st.booleans(),
    eventing_namespace=spec_strategies.NAMES,
    namespace=spec_strategies.NAMES,
)
CALM = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no reason to fail; 60 apps hold every section many times."""


def rendered(
    resource: dict[str, Any], able: capabilities.Capabilities = capabilities.DEFAULT
) -> tuple[dict[str, Any], ...]:
    return objects.render(compiler.compile_app(spec_strategies.parsed(resource)), able)


def keys(data: object) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from keys(value)
    elif isinstance(data, list):
        for item in data:
            yield from keys(item)


@CALM
@given(spec_strategies.resources(), CAPABILITIES)
def test_equal_apps_give_byte_equal_yaml_that_reads_back(
    resource: dict[str, Any], able: capabilities.Capabilities
) -> None:
    items = rendered(resource, able)

    text = yaml.dump(items)

    assert text == yaml.dump(rendered(resource, able))
    assert list(pyyaml.safe_load_all(text)) == json.loads(json.dumps(items))


@CALM
@given(spec_strategies.resources(), CAPABILITIES)
def test_names_are_dns_labels_within_limits_and_unique_in_their_kind(
    resource: dict[str, Any], able: capabilities.Capabilities
) -> None:
    items = rendered(resource, able)

    seen = [(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in items]
    assert len(set(seen)) == len(seen)
    for version, kind, name in seen:
        if kind != "DomainMapping":  # its name is the host
            assert LABEL.fullmatch(name)
            assert len(name) <= LIMITS.get((version, kind), 63)


@CALM
@given(spec_strategies.resources(), CAPABILITIES)
def test_no_core_service_meets_the_one_that_knative_makes(
    resource: dict[str, Any], able: capabilities.Capabilities
) -> None:
    items = rendered(resource, able)

    knative = {item["metadata"]["name"] for item in items if item["apiVersion"] == "serving.knative.dev/v1"}
    core = {item["metadata"]["name"] for item in items if (item["apiVersion"], item["kind"]) == ("v1", "Service")}
    assert not knative & core


@CALM
@given(spec_strategies.resources(), CAPABILITIES)
def test_an_app_becomes_only_allowed_kinds_and_names_no_namespace(
    resource: dict[str, Any], able: capabilities.Capabilities
) -> None:
    items = rendered(resource, able)

    assert {(item["apiVersion"], item["kind"]) for item in items} <= set(objects.KINDS)
    words = {key for item in items for key in keys(item) if "namespace" in key.lower()}
    assert words <= ALLOWED_NAMESPACE_WORDS


@CALM
@given(spec_strategies.resources(), CAPABILITIES)
def test_metadata_holds_nothing_but_our_own_labels_and_annotations(
    resource: dict[str, Any], able: capabilities.Capabilities
) -> None:
    items = rendered(resource, able)

    for item in items:
        assert item["metadata"].keys() <= {"name", "labels", "annotations"}
        assert item["metadata"]["labels"][names.APP_LABEL] == resource["metadata"]["name"]
        assert item["metadata"].get("annotations", {}).keys() <= OWN_ANNOTATIONS


@CALM
@given(spec_strategies.resources(), CAPABILITIES)
def test_every_container_is_restricted(resource: dict[str, Any], able: capabilities.Capabilities) -> None:
    items = rendered(resource, able)

    pods = [pod for item in items for pod in pods_of(item)]
    for container in (container for pod in pods for container in containers_of(pod)):
        security = container["securityContext"]
        assert security["runAsNonRoot"]
        assert not security["allowPrivilegeEscalation"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for pod in pods:
        assert pod.keys().isdisjoint({"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"})
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False


def containers_of(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


def pods_of(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (template["spec"] for template in templates_of(item))


def templates_of(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    spec = item.get("spec", {})
    spec = spec["job"]["spec"] if item["kind"] == "JobSink" else spec
    if "template" in spec:
        yield spec["template"]


@CALM
@given(spec_strategies.resources(), CAPABILITIES)
def test_whatever_refers_to_an_object_of_the_app_finds_it(
    resource: dict[str, Any], able: capabilities.Capabilities
) -> None:
    items = rendered(resource, able)

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


@CALM
@given(spec_strategies.resources(), CAPABILITIES)
def test_a_network_policy_chooses_every_pod_of_ours_and_none_of_knative_s(
    resource: dict[str, Any], able: capabilities.Capabilities
) -> None:
    items = rendered(resource, able)

    policies = [item["spec"]["podSelector"] for item in items if item["kind"] == "NetworkPolicy"]
    for item in items:
        for template in templates_of(item):
            labels = template["metadata"]["labels"]
            assert sum(chosen(policy, labels) for policy in policies) == (item["kind"] != "Service")


def chosen(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    expressions = selector.get("matchExpressions", ())
    return selector["matchLabels"].items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )


@CALM
@given(spec_strategies.resources(), CAPABILITIES, st.data())
def test_the_order_of_entries_changes_the_order_of_objects_and_nothing_in_them(
    resource: dict[str, Any], able: capabilities.Capabilities, data: st.DataObject
) -> None:
    spec = {
        section: data.draw(st.permutations(entries)) if section in NAMED_SECTIONS else entries
        for section, entries in resource["spec"].items()
    }

    assert whole(rendered(resource | {"spec": spec}, able)) == whole(rendered(resource, able))


NAMED_SECTIONS = {"functions", "eventDriven", "fanOut", "queues", "streams", "schedules"}


def whole(items: tuple[dict[str, Any], ...]) -> dict[tuple[str, str, str], Any]:
    """Objects by kind and name; of what lists all entries, the entries without their order."""
    return {(item["apiVersion"], item["kind"], item["metadata"]["name"]): unordered(item) for item in items}


def unordered(item: dict[str, Any]) -> Any:
    if item["kind"] == "EventPolicy":
        return sorted(json.dumps(sender) for sender in item["spec"]["from"])
    # Our own services read their entries in the author's order, and their Pods change with what they read.
    if item["kind"] == "ConfigMap":
        config = json.loads(item["data"]["config.json"])
        return {
            key: sorted(map(json.dumps, value)) if isinstance(value, list) else value for key, value in config.items()
        }
    return json.loads(re.sub(r'("patternapp.dev/config-hash": )"[0-9a-f]+"', r'\1""', json.dumps(item)))


@CALM
@given(spec_strategies.resources(), CAPABILITIES, st.data())
def test_one_entry_less_renames_nothing(
    resource: dict[str, Any], able: capabilities.Capabilities, data: st.DataObject
) -> None:
    sections = [
        section
        for section in ("eventDriven", "fanOut", "queues", "streams", "schedules")
        if section in resource["spec"]
    ]
    assume(any(resource["spec"][section] for section in sections))
    section = data.draw(st.sampled_from([section for section in sections if resource["spec"][section]]))
    fewer = resource["spec"] | {section: resource["spec"][section][1:]}

    before = {(item["kind"], item["metadata"]["name"]) for item in rendered(resource, able) if item["kind"] in ENTRIES}
    after = {
        (item["kind"], item["metadata"]["name"])
        for item in rendered(resource | {"spec": fewer}, able)
        if item["kind"] in ENTRIES
    }

    assert after <= before


ENTRIES = {"Trigger", "PingSource", "JobSink", "IntegrationSource", "KafkaSource", "ScaledObject", "Broker"}
"""What stands for an entry, and would lose its place in a log or its history under another name."""
