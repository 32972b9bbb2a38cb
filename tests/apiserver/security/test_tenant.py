"""A1, A4, A5, A6, A7, A10, A14, A16: what a tenant writes into an app, with the operator at work.

The operator does not know who wrote an app, so it is judged by what it makes of apps that the server has taken; who may
have them taken is judged in ``tests/apiserver/operator/test_admission.py``.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import harness
import pytest
from apiserver.operator import rig
from apiserver.operator.rig import APP, changed
from security import test_names as names_that_meet

from patternapp.render import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apiserver.operator.rig import Kubectl, Replica
    from cluster import api

pytestmark = pytest.mark.usefixtures("operator")
FUNCTION = APP["spec"]["functions"][0]
KAFKA = {"bootstrapServers": ["kafka:9092"], "topic": "t"}
ELSEWHERE = "kube-system"
SMUGGLED: dict[str, dict[str, Any]] = {
    # A1, another namespace:
    "a namespace of the app's spec": {"namespace": ELSEWHERE},
    "a function of another namespace": {"functions": [FUNCTION | {"namespace": ELSEWHERE}]},
    "a Broker of another namespace": {"broker": {"namespace": ELSEWHERE}},
    "a dead letter by reference": {"delivery": {"deadLetter": {"ref": {"name": "a", "namespace": ELSEWHERE}}}},
    "a Secret of another namespace": {
        "queues": [{"name": "q", "function": "orders", "kafka": KAFKA | {"secretNamespace": ELSEWHERE}}]
    },
    "a variable of another namespace": {
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "namespace": ELSEWHERE}}}]
    },
    # A4, another account:
    "an account": {"functions": [FUNCTION | {"serviceAccountName": "admin"}]},
    "an account of all": {"serviceAccountName": "admin"},
    "a token": {"functions": [FUNCTION | {"automountServiceAccountToken": True}]},
    # A5, another Pod:
    "a Pod": {"functions": [FUNCTION | {"podSpec": {"hostNetwork": True}}]},
    "a template": {"functions": [FUNCTION | {"template": {"spec": {"hostPID": True}}}]},
    "a volume": {"functions": [FUNCTION | {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}]},
    "privileges": {"functions": [FUNCTION | {"securityContext": {"privileged": True}}]},
    "a device": {"functions": [FUNCTION | {"resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
    "a field of the Pod": {
        "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
    },
    # A6, what others act on:
    "labels of a function": {"functions": [FUNCTION | {"labels": {"a": "b"}}]},
    "annotations of a function": {"functions": [FUNCTION | {"annotations": {"sidecar.istio.io/inject": "false"}}]},
}


def every(data: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, however deep."""
    yield from data.items() if isinstance(data, dict) else ()
    for inner in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from every(inner)


@pytest.mark.parametrize("what", SMUGGLED)
def test_a_field_that_an_app_does_not_have_is_refused_by_its_name(what: str, kubectl: Kubectl) -> None:
    answer = kubectl.server.create(changed(**SMUGGLED[what]), namespace=kubectl.namespace)

    assert "unknown field" in (answer.refusal or "") or "write exactly one of" in (answer.refusal or "")


def test_whoever_asks_the_server_to_ignore_unknown_fields_has_them_taken_away(kubectl: Kubectl) -> None:
    """``kubectl --validate=false``: nothing of it is kept, so nothing of it reaches an object."""
    app = copy.deepcopy(APP)
    for spec in SMUGGLED.values():
        app["spec"] |= {key: value for key, value in spec.items() if key not in {"delivery", "env"}}
    app["spec"]["functions"] = [
        {key: value for spec in SMUGGLED.values() for one in spec.get("functions", ()) for key, value in one.items()}
    ]
    path = kubectl.server.collection(app["apiVersion"], app["kind"], kubectl.namespace)
    kubectl.server.request("POST", path, app, query="fieldValidation=Ignore").object()

    harness.eventually(kubectl.settled)

    made = list(kubectl.live().values())
    found = {key for item in made for key, _ in every(item.get("spec", {}))}
    assert found.isdisjoint(
        {"serviceAccountName", "hostNetwork", "hostPID", "hostPath", "privileged", "nvidia.com/gpu"}
    )
    assert all(value is False for item in made for key, value in every(item) if key == "automountServiceAccountToken")
    assert {item["metadata"]["namespace"] for item in made} == {kubectl.namespace}
    assert ELSEWHERE not in json.dumps([item.get("spec") for item in made])


def test_the_part_that_the_schema_keeps_lets_nothing_through(kubectl: Kubectl) -> None:
    """A route's `auth` is a word or an object, so the server keeps what it does not know there; rules bound it."""
    path = kubectl.server.collection(APP["apiVersion"], APP["kind"], kubectl.namespace)
    keys = {"secretName": "keys"}

    def answered(auth: dict[str, Any]) -> api.Answer:
        route = {"name": "r", "path": "/r", "function": "orders", "auth": auth}
        return kubectl.server.request(
            "POST", path, changed(gateway={"routes": [route]}), query="fieldValidation=Ignore&dryRun=All"
        )

    inside = answered({"apiKeys": keys | {"namespace": ELSEWHERE}}).object()

    assert inside["spec"]["gateway"]["routes"][0]["auth"] == {"apiKeys": keys}
    assert answered({"apiKeys": keys, "podSpec": {}}).refusal is not None
    assert answered({"podSpec": {"hostNetwork": True}}).refusal is not None


def test_an_app_is_in_the_namespace_to_which_it_was_sent(kubectl: Kubectl, victim: Kubectl) -> None:
    elsewhere = copy.deepcopy(APP)
    elsewhere["metadata"]["namespace"] = victim.namespace
    path = kubectl.server.collection(APP["apiVersion"], APP["kind"], kubectl.namespace)

    answer = kubectl.server.request("POST", path, elsewhere)

    assert "does not match the namespace" in (answer.refusal or "")
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    assert victim.live() == {}


RESERVED = {
    "app.kubernetes.io/name": "victim",
    "app.kubernetes.io/managed-by": "Helm",
    "patternapp.dev/app": "victim",
    "networking.knative.dev/visibility": "public",
    "pod-security.kubernetes.io/enforce": "privileged",
}
DANGEROUS = {
    "sidecar.istio.io/inject": "false",
    "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/admin",
    "iam.amazonaws.com/role": "admin",
    "container.apparmor.security.beta.kubernetes.io/orders": "unconfined",
    "autoscaling.knative.dev/min-scale": "1000",
    "vault.hashicorp.com/agent-inject": "true",
    "eventing.knative.dev/broker.class": "theirs",
}


def test_no_label_and_no_annotation_of_an_app_reaches_its_objects(kubectl: Kubectl) -> None:
    app = copy.deepcopy(APP)
    app["metadata"] |= {"labels": RESERVED, "annotations": DANGEROUS}
    kubectl.apply(app)
    harness.eventually(kubectl.settled)

    for item in kubectl.live().values():
        labels = item["metadata"]["labels"]
        assert (labels[names.APP_LABEL], labels["app.kubernetes.io/name"]) == ("shop", "shop")
        assert labels["app.kubernetes.io/managed-by"] == "patternapp"
        assert item["metadata"].get("annotations", {}).keys().isdisjoint(DANGEROUS)
        assert "Helm" not in json.dumps(item["spec"] if "spec" in item else item["data"])
        assert not {key for key, value in every(item.get("spec", {})) if key in DANGEROUS and value == DANGEROUS[key]}


OUTSIDE = {"deadLetter": {"uri": "https://dead.example.com/"}}


def test_two_apps_whose_objects_have_one_name_do_not_touch_each_other(kubectl: Kubectl) -> None:
    first = changed(functions=[FUNCTION | {"name": "eu-orders"}], eventDriven=[])
    # No dead letters of its own, which would stay.
    second = changed(eventDriven=[], delivery=OUTSIDE) | {"metadata": {"name": "shop-eu"}}
    kubectl.apply(first)
    harness.eventually(kubectl.settled)
    service = kubectl.wanted()[rig.SERVICE[0], "shop-eu-orders"]
    before = kubectl.get(service)

    kubectl.apply(second)
    path = kubectl.server.path(second, kubectl.namespace)
    told = harness.eventually(lambda: ready(kubectl, path))

    assert told["reason"] == "Conflict"
    assert "Service.serving.knative.dev shop-eu-orders: it exists and belongs to PatternApp shop" in told["message"]
    kubectl.server.delete(path).object()
    harness.eventually(lambda: not [one for one in kubectl.live().values() if app_of(one) == "shop-eu"])
    assert kubectl.get(service) == before


def app_of(item: dict[str, Any]) -> str:
    label: str = item["metadata"]["labels"][names.APP_LABEL]
    return label


def ready(kubectl: Kubectl, path: str) -> dict[str, Any]:
    conditions = (kubectl.server.get(path).object().get("status") or {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == "Ready"), {})


@pytest.mark.parametrize("found", [names_that_meet.functions, names_that_meet.triggers])
def test_an_app_whose_names_were_searched_to_meet_is_told_so_once(
    found: Callable[[], dict[str, Any]], kubectl: Kubectl, operator: Replica
) -> None:
    app = found()
    kubectl.apply(app)
    path = kubectl.server.path(app, kubectl.namespace)

    told = harness.eventually(lambda: ready(kubectl, path))

    assert told["reason"] == "SameName"
    before = kubectl.server.get(path).object()["metadata"]["resourceVersion"]
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    assert kubectl.server.get(path).object()["metadata"]["resourceVersion"] == before
    assert operator.get("/livez") == "ok"


@pytest.mark.parametrize("name", ["a.b", "..", "a/b", "A", "é", "a" * 64])
def test_the_server_takes_no_name_that_objects_cannot_be_named_after(name: str, kubectl: Kubectl) -> None:
    path = kubectl.server.collection(APP["apiVersion"], APP["kind"], kubectl.namespace)

    assert kubectl.server.request("POST", path, APP | {"metadata": {"name": name}}).refusal is not None


UNUSUAL = (
    "http://2852039166/latest/meta-data",
    "http://0xA9.0xFE.0xA9.0xFE/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://169.254.169.254\\.example.com/",
    "http://0x7f.1/",
    "http://ip6-localhost/",
)


@pytest.mark.parametrize("uri", UNUSUAL)
def test_an_address_that_hides_what_it_is_becomes_no_object(uri: str, kubectl: Kubectl) -> None:
    kubectl.apply(changed(delivery={"deadLetter": {"uri": uri}}))

    told = harness.eventually(kubectl.condition)

    assert told["reason"] in {"ForbiddenAddress", "LoopbackAddress", "BadFormat"}
    assert kubectl.live() == {}


@pytest.mark.parametrize(
    "uri", ["file:///etc/passwd", "gopher://a/", "http://user:pass@a/", "http://a\r\nHost: b/", "//a/", "ftp://a/"]
)
def test_the_server_takes_no_address_of_another_kind(uri: str, kubectl: Kubectl) -> None:
    answer = kubectl.server.judge(changed(delivery={"deadLetter": {"uri": uri}}), namespace=kubectl.namespace)

    assert "spec.delivery.deadLetter.uri" in (answer.refusal or "")


def test_schedules_that_never_come_true_hold_up_nobody(kubectl: Kubectl, operator: Replica) -> None:
    never = [{"name": f"s{number}", "cron": "0 0 30 2 *", "function": "orders"} for number in range(64)]
    kubectl.apply(changed(schedules=never))

    told = harness.eventually(kubectl.condition)

    assert told["reason"] == "NeverFires"
    assert kubectl.live() == {}
    assert operator.get("/livez") == "ok"


ORDERS = "\x1b[2J\x1b]0;title\x07\x9b1;1H\u202e"


def test_what_a_program_made_its_controller_say_is_told_without_what_a_terminal_obeys(kubectl: Kubectl) -> None:
    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    service = kubectl.get(kubectl.wanted()[rig.SERVICE])
    assert service is not None

    kubectl.report(service, "Ready", "False", "ContainerMissing", f"it said: {ORDERS}\nReady: all is well")
    told = harness.eventually(lambda: kubectl.condition() if kubectl.condition()["status"] == "False" else None)

    assert "it said: " in told["message"]
    assert told["message"].replace("\n", "").isprintable()
    note = harness.eventually(lambda: [one["note"] for one in events(kubectl) if "it said" in one["note"]])
    assert note[0].replace("\n", "").isprintable()


def events(kubectl: Kubectl) -> list[dict[str, Any]]:
    path = f"/apis/events.k8s.io/v1/namespaces/{kubectl.namespace}/events"
    listed: list[dict[str, Any]] = kubectl.server.get(path).object()["items"]
    return listed


SECRET = "hunter2-of-the-tenant"  # noqa: S105 - the test's own


@pytest.mark.parametrize("wrong", [{}, {"schedules": [{"name": "s", "cron": "nonsense", "function": "orders"}]}])
def test_the_value_of_a_variable_is_nowhere_but_where_it_belongs(
    wrong: dict[str, Any], kubectl: Kubectl, operator: Replica
) -> None:
    kubectl.apply(changed(env=[{"name": "TOKEN", "value": SECRET}], **wrong))

    harness.eventually(kubectl.condition)
    if not wrong:
        harness.eventually(kubectl.settled)

    assert SECRET not in json.dumps(kubectl.status())
    assert SECRET not in json.dumps(events(kubectl))
    assert SECRET not in (operator.get("/metrics") or "")
    assert SECRET not in operator.log.read_text()
    holding = {item["kind"] for item in kubectl.live().values() if SECRET in json.dumps(item.get("spec", {}))}
    assert holding == (set() if wrong else {"Service"})
