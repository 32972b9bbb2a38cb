"""What a release consists of, by what it is told."""

from __future__ import annotations

import itertools
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from charts import helm as helms

from patternapp.render import capabilities
from patternapp.spec import crd
from patternapp_operator import admission, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGEST = "sha256:" + "a" * 64
ROOT = helms.CHART.parents[1]


def identity(item: helms.Object) -> tuple[str, str, str]:
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def told(items: list[helms.Object]) -> settings.Settings:
    """What the operator understands of its flags."""
    return settings.parse(helms.container(items)["args"], {})


@pytest.mark.parametrize("case", helms.cases(), ids=lambda path: path.stem)
def test_both_helms_make_the_same_of_the_same_values(case: Path, tools: None, tmp_path: Path) -> None:  # noqa: ARG001
    made = [helms.Helm(version, tmp_path).template("--values", case) for version in helms.VERSIONS]

    assert {identity(item): item for item in made[0]} == {identity(item): item for item in made[1]}


def test_version_and_images_are_those_of_the_project(helm: helms.Helm) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((helms.CHART / "Chart.yaml").read_text())

    items = helm.template()

    assert (chart["version"], chart["appVersion"]) == (project, project)
    assert helms.container(items)["image"] == f"ghcr.io/patternapp/operator:{project}"
    assert told(items).services_image == capabilities.DEFAULT.services_image
    images = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    assert {one["image"] for one in images} == {helms.container(items)["image"], told(items).services_image}


def test_without_values_the_operator_is_as_its_own_defaults_have_it(helm: helms.Helm) -> None:
    items = helm.template()

    assert told(items) == settings.parse(["--identity", told(items).identity], {})


def test_what_the_operator_is_told_reaches_its_flags(helm: helms.Helm) -> None:
    chosen = (
        "watchNamespaces={a,b},workers=3,resync=60,discovery=2,bindingPatience=5,logLevel=debug,metrics.port=9090"
        ",cluster.domain=corp.local,cluster.eventingNamespace=events,cluster.retryAfter=true"
        ",cluster.authenticationOidc=true"
    )

    image = ("--set-string", "services.image.tag=2")
    found = told(helm.template("--set", chosen, *image, release="ops", namespace="tools"))

    assert found == settings.Settings(
        identity=found.identity,
        namespace="tools",
        lease="ops-patternapp-operator",
        namespaces=("a", "b"),
        workers=3,
        resync=60,
        discovery=2,
        binding_patience=5,
        log_level="debug",
        port=9090,
        cluster_domain="corp.local",
        eventing_namespace="events",
        retry_after=True,
        authentication_oidc=True,
        services_image="ghcr.io/patternapp/services:2",
    )


def test_a_flag_of_ones_own_counts_before_the_charts(helm: helms.Helm) -> None:
    assert told(helm.template("--set", "extraArgs={--workers=1,--host=::}")).host == "::"
    assert told(helm.template("--set", "extraArgs={--workers=1}")).workers == 1


def images(items: list[helms.Object]) -> set[str]:
    pods = [item["spec"] for item in items if item["kind"] == "Pod"] + [helms.pod(items)["spec"]]
    return {one["image"] for pod in pods for one in pod["containers"]} | {told(items).services_image}


def test_every_image_comes_from_the_registry_that_stands_in(helm: helms.Helm) -> None:
    items = helm.template("--set", "global.imageRegistry=mirror:5000/x")

    assert all(image.startswith("mirror:5000/x/patternapp/") for image in images(items))


def test_a_digest_counts_before_a_tag(helm: helms.Helm) -> None:
    items = helm.template("--set-string", f"image.tag=9,image.digest={DIGEST},services.image.digest={DIGEST}")

    assert {image.partition("@")[2] for image in images(items)} == {DIGEST}
    assert all(":9" not in image for image in images(items))


def test_the_definition_is_the_generated_one_and_stays_unless_it_is_told_to_go(helm: helms.Helm) -> None:
    (kept,) = helms.only(helm.template("--set", "crds.annotations.a=b"), "CustomResourceDefinition")
    (gone,) = helms.only(helm.template("--set", "crds.keep=false"), "CustomResourceDefinition")

    generated = yaml.safe_load(crd.text())
    assert kept["spec"] == gone["spec"] == generated["spec"]
    assert kept["metadata"]["name"] == generated["metadata"]["name"]
    assert kept["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep", "a": "b"}
    assert "annotations" not in gone["metadata"]
    assert helms.only(helm.template("--set", "crds.install=false"), "CustomResourceDefinition") == []


def test_policies_say_what_the_operator_generates(helm: helms.Helm) -> None:
    items = helm.template()
    generated = admission.objects()

    for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        wanted = {item["metadata"]["name"]: item["spec"] for item in generated if item["kind"] == kind}
        assert {item["metadata"]["name"]: item["spec"] for item in helms.only(items, kind)} == wanted
    off = helm.template("--set", "admissionPolicy.enabled=false")
    assert not [item for item in off if item["kind"].startswith("ValidatingAdmission")]


def test_policies_judge_only_where_apps_are_kept(helm: helms.Helm) -> None:
    items = helm.template("--set", "watchNamespaces={a,b}")

    for binding in helms.only(items, "ValidatingAdmissionPolicyBinding"):
        (wanted,) = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert wanted == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}


def test_one_replica_may_be_evicted(helm: helms.Helm) -> None:
    two, one = helm.template(), helm.template("--set", "replicas=1")

    assert [item["spec"]["maxUnavailable"] for item in helms.only(two, "PodDisruptionBudget")] == [1]
    assert helms.only(one, "PodDisruptionBudget") == []


def test_replicas_keep_away_from_each_other(helm: helms.Helm) -> None:
    items = helm.template()

    spread = helms.pod(items)["spec"]["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert all(
        one["labelSelector"]["matchLabels"].items() <= helms.pod(items)["metadata"]["labels"].items() for one in spread
    )


def test_placement_is_passed_on(helm: helms.Helm) -> None:
    spec = helms.pod(helm.template("--values", helms.CHART / "ci" / "ha-values.yaml"))["spec"]

    assert spec["priorityClassName"] == "system-cluster-critical"
    assert [one["key"] for one in spec["tolerations"]] == ["system"]
    assert list(spec["affinity"]) == ["nodeAffinity"]
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}


def test_what_is_extra_is_passed_on(helm: helms.Helm, tmp_path: Path) -> None:
    extra: dict[str, Any] = {
        "extraEnv": [{"name": "A", "value": "1"}],
        "extraEnvFrom": [{"secretRef": {"name": "s"}}],
        "extraVolumes": [{"name": "v", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "v", "mountPath": "/v"}],
        "initContainers": [{"name": "i", "image": "i"}],
        "extraContainers": [{"name": "c", "image": "c"}],
        "podLabels": {"l": "1"},
        "podAnnotations": {"a": "1"},
        "imagePullSecrets": [{"name": "p"}],
    }
    file = tmp_path / "extra.yaml"
    file.write_text(yaml.safe_dump(extra))

    made = helms.pod(helm.template("--values", file))

    own = made["spec"]["containers"][0]
    assert (own["env"], own["envFrom"]) == (extra["extraEnv"], extra["extraEnvFrom"])
    assert [one["name"] for one in own["volumeMounts"]] == ["tmp", "v"]
    assert [one["name"] for one in made["spec"]["volumes"]] == ["tmp", "v"]
    assert [one["name"] for one in made["spec"]["containers"]] == ["operator", "c"]
    assert (made["spec"]["initContainers"], made["spec"]["imagePullSecrets"]) == (
        [{"name": "i", "image": "i"}],
        [{"name": "p"}],
    )
    assert (made["metadata"]["labels"]["l"], made["metadata"]["annotations"]["a"]) == ("1", "1")


def test_objects_of_ones_own_may_have_templates_in_them(helm: helms.Helm) -> None:
    items = helm.template("--values", helms.CHART / "ci" / "airgap-values.yaml")

    names = {item["metadata"]["name"] for item in helms.only(items, "ConfigMap")}
    assert names == {"patternapp-mirror", "patternapp-operator-notes"}


def test_labels_and_annotations_for_all_are_on_all(helm: helms.Helm) -> None:
    items = helm.template("--set", "commonLabels.tier=x,commonAnnotations.note=y,networkPolicy.enabled=true")

    for item in items:
        assert item["metadata"]["labels"]["tier"] == "x"
        assert item["metadata"]["annotations"]["note"] == "y"
        assert item["metadata"]["labels"]["app.kubernetes.io/instance"] == "patternapp"


def test_a_label_for_all_does_not_change_what_pods_are_chosen_by(helm: helms.Helm) -> None:
    items = helm.template("--set-string", "commonLabels.app\\.kubernetes\\.io/name=mine")

    chosen = helms.only(items, "Deployment")[0]["spec"]["selector"]["matchLabels"]
    assert chosen["app.kubernetes.io/name"] == "patternapp"
    assert chosen.items() <= helms.pod(items)["metadata"]["labels"].items()


def selectors(items: list[helms.Object]) -> Iterator[dict[str, str]]:
    """Everything that chooses Pods."""
    for item in items:
        match item["kind"]:
            case "Deployment" | "PodDisruptionBudget":
                yield item["spec"]["selector"]["matchLabels"]
            case "PodMonitor":
                yield item["spec"]["selector"]["matchLabels"]
            case "NetworkPolicy":
                yield item["spec"]["podSelector"]["matchLabels"]
            case "Service":
                yield item["spec"]["selector"]


def test_what_chooses_pods_chooses_the_operators_and_not_the_tests(helm: helms.Helm) -> None:
    on = "networkPolicy.enabled=true,metrics.podMonitor.enabled=true"
    items = helm.template("--set", on, *helms.serving("PodMonitor"))
    (tester,) = [item for item in items if item["kind"] == "Pod"]

    found = list(selectors(items))
    assert len(found) == 5
    assert all(one.items() <= helms.pod(items)["metadata"]["labels"].items() for one in found)
    assert not any(one.items() <= tester["metadata"]["labels"].items() for one in found)


def test_two_releases_share_nothing_but_the_definition(helm: helms.Helm) -> None:
    places = [
        ("patternapp", "patternapp-system"),
        ("patternapp", "team"),
        ("other", "team"),
        ("other", "patternapp-system"),
    ]
    releases = [
        {identity(item) for item in helm.template("--set", "watchNamespaces={a}", release=release, namespace=namespace)}
        for release, namespace in places
    ]

    for one, another in itertools.combinations(releases, 2):
        assert {kind for kind, _, _ in one & another} == {"CustomResourceDefinition"}
    assert [len(one) for one in releases] == [len(releases[0])] * 4


def test_the_longest_names_are_legal(helm: helms.Helm) -> None:
    items = helm.template(release="r" * 53, namespace="n" * 63)

    labels = {"Deployment", "Service", "Pod", "ServiceAccount"}
    for item in items:
        assert len(item["metadata"]["name"]) <= (63 if item["kind"] in labels else 253), identity(item)
        assert all(len(value) <= 63 for value in item["metadata"]["labels"].values())


def test_names_can_be_chosen(helm: helms.Helm) -> None:
    items = helm.template("--set", "fullnameOverride=ops,namespaceOverride=elsewhere")

    assert identity(helms.only(items, "Deployment")[0]) == ("Deployment", "elsewhere", "ops-operator")
    assert (told(items).namespace, told(items).lease) == ("elsewhere", "ops-operator")
    (short,) = helms.only(helm.template("--set", "nameOverride=papp", release="x"), "Deployment")
    assert short["metadata"]["name"] == "x-papp-operator"


def test_a_server_that_is_too_old_is_refused(helm: helms.Helm) -> None:
    assert ">=1.30.0-0" in helm.refused("--kube-version", "1.29.9")
    helm.template("--kube-version", "1.30.0")


def test_closed_networks_let_in_and_out_what_is_listed(helm: helms.Helm) -> None:
    items = helm.template("--values", helms.CHART / "ci" / "restricted-network-values.yaml")
    (policy,) = helms.only(items, "NetworkPolicy")

    spec = policy["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    (inward,) = spec["ingress"]
    assert inward["ports"] == [{"port": "metrics", "protocol": "TCP"}]
    ports = [[one["port"] for one in rule["ports"]] for rule in spec["egress"]]
    assert ports == [[53, 53], [6443], [4318]]
    nobody = helms.only(helm.template("--set", "networkPolicy.enabled=true"), "NetworkPolicy")[0]["spec"]
    assert "ingress" not in nobody
