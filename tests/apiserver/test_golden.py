"""The golden cases before a real API server: its schemas, its CEL and its Pod admission judge them.

No webhook runs, so what Knative and KEDA refuse by program alone is not judged here; nor are the fields of a Trigger
and of a KafkaSource, whose schemas keep whatever is unknown.
"""

from __future__ import annotations

import copy
import pathlib
from typing import TYPE_CHECKING, Any

import pytest
import spec_strategies
import yaml
from golden import rewrite
from hypothesis import HealthCheck, assume, given, settings

from patternapp.plan import compile as compiler
from patternapp.render import capabilities, containers, objects
from patternapp.spec import validation

if TYPE_CHECKING:
    from cluster import api

UNSERVED = {
    ("sources.knative.dev/v1", "KafkaSource"),  # its module serves v1beta1, which is judged below
    ("ceph.rook.io/v1", "CephBucketTopic"),  # Rook's definitions are in no module
    ("ceph.rook.io/v1", "CephBucketNotification"),
}
HERE = capabilities.Capabilities(kafka_source="v1beta1", retry_after=True, authentication_oidc=True)
"""What the test control plane can do: all that makes a difference, and the KafkaSource that it serves."""
EVERY_CASE = pytest.mark.parametrize("case", rewrite.cases(), ids=lambda case: case.name)


def documents(file: pathlib.Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text()))


def rendered(app: Any) -> list[dict[str, Any]]:
    made = objects.render(compiler.compile_app(app), HERE)
    return [item for item in made if kind_of(item) not in UNSERVED]


def kind_of(item: dict[str, Any]) -> tuple[str, str]:
    return item["apiVersion"], item["kind"]


def complaints(server: api.Api, namespace: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """What the server has against objects, by kind and name."""
    answers = {f"{item['kind']} {item['metadata']['name']}": server.judge(item, namespace=namespace) for item in items}
    return {name: answer.refusal or answer.warnings for name, answer in answers.items() if said_no(answer)}


def said_no(answer: api.Answer) -> bool:
    return answer.refusal is not None or bool(answer.warnings)


def jobs(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The Job of every JobSink, as Knative makes it: named after a digest, and with the event in a volume."""
    made = []
    for item in items:
        if item["kind"] == "JobSink":
            job = copy.deepcopy(item["spec"]["job"])
            pod = job["spec"]["template"]["spec"]
            pod["volumes"] = [{"name": "jobsink-event", "secret": {"secretName": "event"}}]
            for container in pod["containers"]:
                container["volumeMounts"] = [
                    {"name": "jobsink-event", "mountPath": str(pathlib.Path(containers.JOB_EVENT).parent)}
                ]
            job["metadata"]["name"] = f"{item['metadata']['name']}-{'0' * 32}"
            made.append({"apiVersion": "batch/v1", "kind": "Job"} | job)
    return made


def pods(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A Pod for every template of a Pod."""
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": item["metadata"]["name"]}, "spec": pod}
        for item in items
        for pod in pod_specs(item["spec"])
    ]


def pod_specs(spec: dict[str, Any]) -> list[dict[str, Any]]:
    template = spec.get("job", {}).get("spec", spec).get("template")
    if template is None:
        return []
    serving_only = {"containerConcurrency", "timeoutSeconds"}
    return [{key: value for key, value in template["spec"].items() if key not in serving_only}]


@EVERY_CASE
def test_the_server_takes_every_object_of_a_case_without_a_warning(
    case: pathlib.Path, server: api.Api, namespace: str
) -> None:
    written = documents(case / "out.yaml")

    served = [item for item in written if server.serves(*kind_of(item))]

    assert {kind_of(item) for item in written if item not in served} <= UNSERVED
    assert complaints(server, namespace, served) == {}


@EVERY_CASE
def test_the_server_takes_what_is_rendered_for_its_own_capabilities(
    case: pathlib.Path, server: api.Api, namespace: str
) -> None:
    made = rendered(spec_strategies.app_of((case / "in.yaml").read_text()))

    assert complaints(server, namespace, made) == {}


@EVERY_CASE
def test_every_pod_of_a_case_is_admitted_where_only_restricted_ones_are(
    case: pathlib.Path, server: api.Api, namespace: str
) -> None:
    made = pods([item for item in documents(case / "out.yaml") if "spec" in item])

    assert made
    assert complaints(server, namespace, made) == {}


def test_a_job_as_knative_starts_it_is_taken_without_a_warning(server: api.Api, namespace: str) -> None:
    made = jobs([item for case in rewrite.cases() for item in documents(case / "out.yaml")])

    assert made
    assert complaints(server, namespace, made) == {}


@EVERY_CASE
def test_the_input_of_a_case_is_created_and_read_back(case: pathlib.Path, server: api.Api, namespace: str) -> None:
    (app,) = documents(case / "in.yaml")
    path = server.path(app, namespace)

    created = server.create(app, namespace=namespace)

    assert (created.refusal, created.warnings) == (None, ())
    assert contains(server.get(path).object()["spec"], app["spec"])
    assert server.delete(path).refusal is None
    assert server.get(path).status == 404


def contains(whole: Any, part: Any) -> bool:
    """Whether all that is in a part is in the whole; defaults may stand beside it."""
    match part:
        case dict():
            return all(key in whole and contains(whole[key], value) for key, value in part.items())
        case list():
            return len(whole) == len(part) and all(map(contains, whole, part))
        case _:
            return bool(whole == part)


def test_the_job_of_a_schedule_with_the_longest_names_is_taken(server: api.Api, namespace: str) -> None:
    schedule = {"name": "s" * 63, "cron": "@yearly", "function": "orders", "job": True}
    spec = {"image": "shop:1", "functions": [{"name": "orders", "handler": "a:b"}], "schedules": [schedule]}
    app = {"apiVersion": "patternapp.dev/v1alpha1", "kind": "PatternApp", "metadata": {"name": "a" * 63}, "spec": spec}

    made = jobs(rendered(spec_strategies.parsed(app)))

    assert made
    assert complaints(server, namespace, made) == {}


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=spec_strategies.resources())
def test_the_server_takes_every_valid_app_and_all_that_it_becomes(
    data: dict[str, Any], server: api.Api, namespace: str
) -> None:
    app = spec_strategies.parsed(data)
    assume(not validation.check(app))

    assert complaints(server, namespace, [data]) == {}
    assert complaints(server, namespace, rendered(app)) == {}
