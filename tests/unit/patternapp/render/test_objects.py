from __future__ import annotations

from typing import Any

import pytest
import spec_strategies

from patternapp import errors
from patternapp.plan import compile as compiler
from patternapp.render import objects
from patternapp.render.capabilities import Capabilities

HEAD = {"apiVersion": "patternapp.dev/v1alpha1", "kind": "PatternApp", "metadata": {"name": "shop"}}
FUNCTION = {"name": "orders", "handler": "shop.orders:app"}
KAFKA = {"bootstrapServers": ["kafka:9092"], "topic": "invoices"}
QUEUE = {"name": "invoices", "kafka": KAFKA, "function": "orders"}
STREAM = {
    "name": "clicks",
    "kafka": {"bootstrapServers": ["kafka:9092"], "topics": ["clicks"], "consumerGroup": "shop-clicks"},
    "function": "orders",
}


def render(capabilities: Capabilities | None = None, **spec: Any) -> tuple[dict[str, Any], ...]:
    resource = HEAD | {"spec": {"image": "shop:1", "functions": [FUNCTION]} | spec}
    plan = compiler.compile_app(spec_strategies.parsed(resource))
    return objects.render(plan, capabilities or Capabilities())


def of_kind(items: tuple[dict[str, Any], ...], kind: str, version: str = "") -> list[dict[str, Any]]:
    return [item for item in items if item["kind"] == kind and item["apiVersion"].startswith(version)]


def test_functions_without_an_image_are_all_told_at_once() -> None:
    with pytest.raises(errors.SpecError) as caught:
        render(image=None, functions=[FUNCTION, FUNCTION | {"name": "own", "image": "own:1"}, FUNCTION | {"name": "b"}])

    assert [problem.path for problem in caught.value.problems] == ["spec.functions[0].image", "spec.functions[2].image"]


def test_a_function_is_local_to_the_cluster_and_scales_by_its_template() -> None:
    (service,) = of_kind(render(), "Service", "serving.knative.dev")

    assert service["metadata"]["labels"]["networking.knative.dev/visibility"] == "cluster-local"
    assert service["spec"]["template"]["metadata"]["annotations"] == {
        "autoscaling.knative.dev/min-scale": "0",
        "autoscaling.knative.dev/max-scale": "10",
        "autoscaling.knative.dev/window": "60s",
    }


@pytest.mark.parametrize(("idle", "window"), [("500ms", "6s"), ("90.5s", "91s"), ("3h", "3600s")])
def test_the_window_stays_within_what_knative_accepts(idle: str, window: str) -> None:
    (service,) = of_kind(render(functions=[FUNCTION | {"scale": {"idle": idle}}]), "Service", "serving.knative.dev")

    assert service["spec"]["template"]["metadata"]["annotations"]["autoscaling.knative.dev/window"] == window


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"timeout": "30s"}, "29"),
        ({"timeout": "2s"}, "1.9"),
        ({"env": [{"name": "PATTERNAPP_TIMEOUT", "value": "7"}]}, "7"),
    ],
)
def test_a_function_is_told_to_end_its_handlers_before_its_callers_give_up(more: dict[str, Any], told: str) -> None:
    (service,) = of_kind(render(functions=[FUNCTION | more]), "Service", "serving.knative.dev")

    (container,) = service["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "PATTERNAPP_TIMEOUT", "value": told}]


def test_a_function_that_only_workers_call_has_no_knative_service() -> None:
    items = render(queues=[QUEUE])

    services = [item["metadata"]["name"] for item in of_kind(items, "Service", "serving.knative.dev")]
    assert services == ["shop-enqueue"]
    (worker,) = (item for item in of_kind(items, "Deployment") if item["metadata"]["name"] == "shop-queue-invoices")
    assert [container["name"] for container in worker["spec"]["template"]["spec"]["containers"]] == ["worker"]
    assert "replicas" not in worker["spec"]


def test_a_function_beside_a_worker_listens_before_it_and_ends_after_it() -> None:
    (worker,) = (item for item in of_kind(render(queues=[QUEUE]), "Deployment") if "queue" in item["metadata"]["name"])

    pod = worker["spec"]["template"]["spec"]
    (function,) = pod["initContainers"]
    assert (function["name"], function["restartPolicy"]) == ("function", "Always")
    assert function["startupProbe"]["tcpSocket"]["port"] == 8080
    assert pod["terminationGracePeriodSeconds"] > 30


def test_a_function_that_a_worker_and_a_trigger_call_has_both() -> None:
    items = render(queues=[QUEUE], eventDriven=[{"name": "paid", "function": "orders"}])

    names = {item["metadata"]["name"] for item in items}
    assert {"shop-orders", "shop-queue-invoices"} <= names


def test_a_named_dead_letter_of_everything_needs_no_store() -> None:
    items = render(
        functions=[FUNCTION, FUNCTION | {"name": "failures"}],
        delivery={"deadLetter": {"function": "failures"}},
        eventDriven=[{"name": "paid", "function": "orders"}],
    )

    (trigger,) = of_kind(items, "Trigger")
    sink = trigger["spec"]["delivery"]["deadLetterSink"]
    assert sink == {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "shop-failures"}}
    assert not of_kind(items, "PersistentVolumeClaim")


def test_a_trigger_writes_the_whole_delivery_out() -> None:
    items = render(
        delivery={"retry": 7, "backoffDelay": "200ms"},
        eventDriven=[{"name": "paid", "function": "orders", "delivery": {"timeout": "5s"}}],
    )

    (trigger,) = of_kind(items, "Trigger")
    assert trigger["spec"]["delivery"] == {
        "deadLetterSink": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "shop-dead-letters"}},
        "retry": 7,
        "backoffPolicy": "exponential",
        "backoffDelay": "PT0.2S",
        "timeout": "PT5S",
    }


@pytest.mark.parametrize(
    ("written", "period"),
    [("1ms", "PT0.001S"), ("1h30m", "PT5400S"), ("2000h", "PT7200000S"), ("100000.5s", "PT100000.5S")],
)
def test_periods_are_exact_and_without_an_exponent(written: str, period: str) -> None:
    (broker,) = of_kind(render(delivery={"timeout": written}), "Broker")

    assert broker["spec"]["delivery"]["timeout"] == period


def test_services_and_deployments_learn_the_address_of_the_broker() -> None:
    bindings = of_kind(render(), "SinkBinding")

    assert [binding["spec"]["subject"]["kind"] for binding in bindings] == ["Service", "Deployment"]
    assert {binding["spec"]["sink"]["ref"]["name"] for binding in bindings} == {"shop"}


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_stream_without_batches_uses_the_kafka_source_that_is_served(version: Any) -> None:
    (source,) = of_kind(render(Capabilities(kafka_source=version), streams=[STREAM]), "KafkaSource")

    assert source["apiVersion"] == f"sources.knative.dev/{version}"
    assert source["spec"]["consumerGroup"] == "shop-clicks"


@pytest.mark.parametrize(("version", "known"), [("v1", True), ("v1beta1", False)])
def test_a_kafka_source_is_told_of_order_and_dead_letters_where_every_server_of_its_version_knows_them(
    version: Any, *, known: bool
) -> None:
    (source,) = of_kind(render(Capabilities(kafka_source=version), streams=[STREAM]), "KafkaSource")

    assert [field in source["spec"] for field in ("ordering", "delivery")] == [known, known]


def test_retry_after_is_asked_for_only_where_the_cluster_knows_it() -> None:
    (broker,) = of_kind(render(Capabilities(retry_after=True)), "Broker")

    assert broker["spec"]["delivery"]["retryAfterMax"] == "PT600S"


def test_a_queue_can_always_wake_from_zero() -> None:
    (scaled,) = of_kind(render(queues=[QUEUE | {"scale": {"idle": "1s"}}]), "ScaledObject")

    assert scaled["spec"]["minReplicaCount"] == 0
    assert scaled["spec"]["cooldownPeriod"] == 60
    assert scaled["spec"]["fallback"]["replicas"] == 1
    (scaler,) = scaled["spec"]["triggers"]
    assert scaler["metadata"]["offsetResetPolicy"] == "earliest"
    assert scaler["metadata"]["scaleToZeroOnInvalidOffset"] == "false"
    assert all(isinstance(value, str) for value in scaler["metadata"].values())


def test_a_stream_of_two_topics_scales_by_both() -> None:
    kafka = STREAM["kafka"] | {"topics": ["clicks", "taps"]}  # type: ignore[operator] # the value of this key is a mapping

    (scaled,) = of_kind(render(streams=[STREAM | {"kafka": kafka, "batch": {"max": 5}}]), "ScaledObject")

    assert [scaler["metadata"]["topic"] for scaler in scaled["spec"]["triggers"]] == ["clicks", "taps"]


def test_a_long_schedule_triggers_a_job_of_its_function() -> None:
    schedule = {"name": "report", "cron": "@yearly", "function": "orders", "job": True, "delivery": {"retry": 2}}

    items = render(schedules=[schedule])

    (trigger,), (sink,) = of_kind(items, "Trigger"), of_kind(items, "JobSink")
    assert trigger["spec"]["subscriber"]["ref"]["kind"] == "JobSink"
    assert sink["spec"]["job"]["spec"]["backoffLimitPerIndex"] == 2
    assert not of_kind(items, "Service", "serving.knative.dev")


def test_only_what_the_public_must_call_is_public() -> None:
    items = render(
        gateway={"routes": [{"name": "any", "path": "/", "function": "orders"}]},
        eventDriven=[
            {"name": "hook", "source": {"webhook": {"path": "/hook"}}, "function": "orders"},
            {"name": "upload", "source": {"bucket": {"name": "uploads"}}, "function": "orders"},
        ],
        queues=[QUEUE],
    )

    public = {
        item["metadata"]["name"]
        for item in of_kind(items, "Service", "serving.knative.dev")
        if "networking.knative.dev/visibility" not in item["metadata"]["labels"]
    }
    assert public == {"shop-gateway", "shop-webhooks"}


def test_a_gateway_waits_as_long_as_its_slowest_function() -> None:
    routes = [{"name": "any", "path": "/", "function": "orders"}]

    items = render(functions=[FUNCTION | {"timeout": "5m"}], gateway={"routes": routes})

    (gateway,) = (item for item in of_kind(items, "Service", "serving") if item["metadata"]["name"] == "shop-gateway")
    assert gateway["spec"]["template"]["spec"]["timeoutSeconds"] == 300


def test_pods_carry_the_labels_of_what_they_are_for() -> None:
    (service,) = of_kind(render(), "Service", "serving.knative.dev")

    labels = service["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "shop"
    assert labels["app.kubernetes.io/component"] == "function"


def test_a_changed_configuration_changes_the_template_that_mounts_it() -> None:
    def template_of(path: str) -> Any:
        items = render(gateway={"routes": [{"name": "any", "path": path, "function": "orders"}]})
        return next(
            item["spec"]["template"] for item in items if item["metadata"]["name"] == "shop-gateway" and "spec" in item
        )

    assert template_of("/a") != template_of("/b")


def test_secrets_are_mounted_and_never_read() -> None:
    hook = {"path": "/hook", "verify": {"github": {"secretName": "hook"}}}

    items = render(eventDriven=[{"name": "hook", "source": {"webhook": hook}, "function": "orders"}])

    service = next(item for item in of_kind(items, "Service", "serving") if item["metadata"]["name"] == "shop-webhooks")
    pod = service["spec"]["template"]["spec"]
    assert {"name": "secret-0", "secret": {"secretName": "hook"}} in pod["volumes"]
    mounted = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert "/etc/patternapp/secrets/hook" in mounted
