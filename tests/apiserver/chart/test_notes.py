"""What an installation says at its end: what is missing in this cluster, and what to do next."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import harness
import pytest
import yaml
from charts import helm as helms
from cluster import definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.chart import releases

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LACKING = {
    "scaledobjects.keda.sh": "KEDA (keda.sh/v1alpha1 ScaledObject): queues, and streams in batches, need it",
    "kafkasources.sources.knative.dev": "Knative's KafkaSource (sources.knative.dev): streams without batches need it",
    "services.serving.knative.dev": "Knative Serving (serving.knative.dev/v1 Service): every function needs it",
    "brokers.eventing.knative.dev": "Knative Eventing (eventing.knative.dev/v1 Broker): every app needs it",
}


@pytest.fixture
def bare(unmade: releases.Release) -> Iterator[releases.Release]:
    """A release on a server that has nothing that apps become; afterwards it has it again, and serves it."""
    server = unmade.server
    saved = [server.get(f"{DEFINITIONS}/{name}").object() for name in LACKING]
    for definition in saved:
        server.delete(server.path(definition)).object()
    harness.eventually(lambda: {server.get(server.path(definition)).status for definition in saved} == {404})
    yield unmade
    definitions.install(server)
    harness.eventually(lambda: {server.get(collection(one)).status for one in saved} == {200})


def collection(definition: helms.Object) -> str:
    """Where the objects of a definition are."""
    spec = definition["spec"]
    return f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"


def notes(release: releases.Release, *options: str) -> str:
    dry = ("--dry-run=server", "--set", "crds.install=false")
    return release.do("install", helms.CHART, *dry, *options).partition("NOTES:\n")[2]


def test_with_all_there_nothing_is_said_to_be_missing(unmade: releases.Release) -> None:
    said = notes(unmade)

    assert "DependencyMissing" not in said
    assert said.startswith("PatternApp 0.1.0 keeps apps in all namespaces.")
    assert f"kubectl -n {unmade.namespace} rollout status deployment/patternapp-operator" in said
    assert f"helm -n {unmade.namespace} test patternapp" in said


def test_everything_that_is_missing_is_named_with_what_needs_it(bare: releases.Release) -> None:
    said = notes(bare)

    assert "DependencyMissing" in said
    assert set(re.findall(r"^  - (.*)$", said, re.MULTILINE)) == set(LACKING.values())


def test_what_no_pattern_needs_is_not_missed(bare: releases.Release) -> None:
    said = notes(bare, "--set", "patterns.queues=false,patterns.streams=false")

    assert "KEDA" not in said
    assert "KafkaSource" not in said


def test_what_was_left_out_is_named(unmade: releases.Release) -> None:
    said = notes(unmade, "--set", "metrics.rules.enabled=true,metrics.podMonitor.enabled=true")

    assert "There is no PrometheusRule, as this cluster has no such kind" in said
    assert "There is no PodMonitor" in said
    assert "ServiceMonitor" not in said


def test_without_the_policies_it_says_whom_to_trust(unmade: releases.Release) -> None:
    said = notes(unmade, "--set", f"admissionPolicy.enabled=false,watchNamespaces={{{unmade.namespace}}}")

    assert f"keeps apps in the namespaces {unmade.namespace}." in said
    assert "let only those write apps whom you trust" in said


def test_the_first_app_is_one_that_the_server_takes(unmade: releases.Release) -> None:
    said = notes(unmade)

    (text,) = re.findall(r"<<EOF\n(.*?)\n  EOF", said, re.DOTALL)
    assert unmade.server.judge(yaml.safe_load(text), namespace="default").refusal is None
