"""An app gives its author nothing that the author could not do without it: real users, judged by the real server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import harness
import pytest
import spec_strategies
import yaml
from apiserver.operator import people
from apiserver.operator.rig import APP, changed
from golden import rewrite
from hypothesis import HealthCheck, assume, given, settings

from patternapp.cluster import resources
from patternapp.plan import compile as compiler
from patternapp.render import objects
from patternapp.spec import validation
from patternapp_operator import admission, needs

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    from apiserver.operator.people import Person
    from apiserver.operator.rig import Kubectl, Replica
    from cluster import api

pytestmark = pytest.mark.usefixtures("policies")
EVERYTHING = needs.resources(needs.PATTERNS)
ASSUMED = {
    "services.serving.knative.dev",
    "sinkbindings.sources.knative.dev",
    "eventpolicies.eventing.knative.dev",
}
"""What every author needs, also for one of the few apps that have none."""
REFERENCES = (people.rule("secrets", "get"), people.rule("configmaps", "get"))
KAFKA = {"bootstrapServers": ["kafka:9092"], "topic": "t", "secretName": "kafka-user"}
QUEUE = {"name": "invoices", "function": "orders", "kafka": KAFKA}


def creating(*names: str) -> list[dict[str, Any]]:
    return [people.rule(name, "create") for name in names]


def made_of(app: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return objects.render(compiler.compile_app(spec_strategies.parsed(app)))


def kinds(items: tuple[dict[str, Any], ...]) -> set[str]:
    return {needs.resource(resources.kind_of(item)) for item in items}


def secrets(data: Any) -> Iterator[str]:
    """The names of Secrets in an object, in all the ways in which objects name them."""
    match data:
        case (
            {"secretName": str(name)} | {"secretKeyRef": {"name": str(name)}} | {"secret": {"ref": {"name": str(name)}}}
        ):
            yield name
        case {"secretTargetRef": list(listed)}:
            yield from (one["name"] for one in listed)
    for inner in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from secrets(inner)


def lacking(message: str | None) -> tuple[str, str]:
    """The right that a refusal names and the part of the app that needs it; empty where nothing is refused."""
    found = re.search(
        r"may not (?:create|get the \S+) (\S+) in namespace \S+, which (.+) (?:becomes|names);", message or ""
    )
    return (found[1], found[2]) if found else ("", "")


def needed(message: str | None) -> set[str]:
    """All that the app needs, as a refusal lists it."""
    _, found, listed = (message or "").partition("this app needs the right to ")
    return set(listed.partition(" ")[2].split(", ")) if found else set()


def load(case: pathlib.Path) -> dict[str, Any]:
    app: dict[str, Any] = yaml.safe_load((case / "in.yaml").read_text())
    return app


@pytest.mark.parametrize("case", rewrite.cases(), ids=lambda case: case.name)
def test_who_may_write_apps_and_nothing_else_gains_nothing(case: pathlib.Path, person: Callable[..., Person]) -> None:
    app, tenant = load(case), person(*REFERENCES)

    message = tenant.judged(app)

    assert needed(message) - ASSUMED == kinds(made_of(app)) - ASSUMED
    assert f"{tenant.name} may not create " in (message or "")


@pytest.mark.parametrize("case", rewrite.cases(), ids=lambda case: case.name)
def test_who_may_make_what_an_app_becomes_may_make_the_app(case: pathlib.Path, person: Callable[..., Person]) -> None:
    app = load(case)
    items = made_of(app)
    named = people.rule("secrets", "get", names=sorted(set(secrets(list(items)))) or ["none"])
    author = person(*creating(*kinds(items) | ASSUMED), named, REFERENCES[1])

    assert author.judged(app) is None


@pytest.mark.parametrize("missing", EVERYTHING)
def test_a_single_missing_right_is_named_with_the_part_that_needs_it(
    missing: str, person: Callable[..., Person]
) -> None:
    author = person(*creating(*set(EVERYTHING) - {missing}), *REFERENCES)

    for app in map(load, rewrite.cases()):
        name, path = lacking(author.judged(app))
        assert name == (missing if missing in kinds(made_of(app)) | ASSUMED else "")
        assert path.startswith("spec") == bool(name)


@pytest.fixture(scope="module")
def nobody(server: api.Api) -> Iterator[Person]:
    """Somebody who may write apps and make nothing of what they become."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nobody"}}
    server.create(space).object()
    with people.person(server, "nobody", *REFERENCES) as made:
        yield made
    server.delete(server.path(space)).object()


@pytest.fixture(scope="module")
def maker(server: api.Api) -> Iterator[Person]:
    """Somebody who may create everything and read no Secret.

    ConfigMaps are readable: of several policies that refuse, the server gives the message of any one.
    """
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "maker"}}
    server.create(space).object()
    with people.person(server, "maker", *creating(*EVERYTHING), REFERENCES[1]) as made:
        yield made
    server.delete(server.path(space)).object()


@pytest.mark.timeout(600)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(app=spec_strategies.resources())
def test_no_app_makes_a_kind_or_reads_a_secret_that_its_author_was_not_asked_about(
    app: dict[str, Any], nobody: Person, maker: Person
) -> None:
    assume(not validation.check(spec_strategies.parsed(app)))
    items = made_of(app)

    assert kinds(items) <= needed(nobody.judged(app))
    assert set(secrets(list(items))) <= needed(maker.judged(app))


def test_a_secret_that_the_author_may_not_get_is_named_with_its_field(person: Callable[..., Person]) -> None:
    app = changed(
        queues=[QUEUE, QUEUE | {"name": "other", "kafka": KAFKA | {"topic": "other", "secretName": "kafka-admin"}}]
    )
    author = person(*creating(*EVERYTHING), people.rule("secrets", "get", names=["kafka-user"]))

    message = author.judged(app) or ""

    assert message.endswith(
        f"{author.name} may not get the Secret kafka-admin in namespace {author.namespace}, which"
        " spec.queues[other].kafka.secretName names; this app needs the right to get kafka-user, kafka-admin"
    )


GATEWAY = {
    "auth": {"apiKeys": {"secretName": "gateway-keys"}},
    "routes": [
        {"name": "open", "path": "/open", "function": "orders", "auth": "none"},
        {"name": "keyed", "path": "/keyed", "function": "orders", "auth": {"apiKeys": {"secretName": "route-keys"}}},
    ],
}
HOOK = {"path": "/hook", "verify": {"github": {"secretName": "hook"}}}
NAMING = changed(
    env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "app-env", "key": "k"}}}],
    broker={"config": "broker-config"},
    functions=[
        APP["spec"]["functions"][0]
        | {"env": [{"name": "B", "valueFrom": {"configMapKeyRef": {"name": "function-env", "key": "k"}}}]}
    ],
    gateway=GATEWAY,
    eventDriven=[{"name": "hooked", "function": "orders", "source": {"webhook": HOOK}}],
    queues=[{"name": "q", "function": "orders", "rabbitmq": {"secretName": "rabbit"}}],
)
"""An app that names objects of others in many places."""
SECRETS = {
    "app-env": "spec.env[A].valueFrom.secretKeyRef.name",
    "gateway-keys": "spec.gateway.auth.apiKeys.secretName",
    "route-keys": "spec.gateway.routes[keyed].auth.apiKeys.secretName",
    "hook": "spec.eventDriven[hooked].source.webhook.verify.github.secretName",
    "rabbit": "spec.queues[q].rabbitmq.secretName",
}
CONFIG_MAPS = {
    "broker-config": "spec.broker.config",
    "function-env": "spec.functions[orders].env[B].valueFrom.configMapKeyRef.name",
}


@pytest.mark.parametrize("name", SECRETS)
def test_wherever_an_app_names_a_secret_its_author_is_asked_for_it(name: str, person: Callable[..., Person]) -> None:
    others = people.rule("secrets", "get", names=sorted(SECRETS.keys() - {name}))
    author = person(*creating(*EVERYTHING), others, people.rule("configmaps", "get"))

    message = author.judged(NAMING)

    assert lacking(message) == (name, SECRETS[name])
    assert needed(message) == SECRETS.keys()


@pytest.mark.parametrize("name", CONFIG_MAPS)
def test_wherever_an_app_names_a_config_map_its_author_is_asked_for_it(
    name: str, person: Callable[..., Person]
) -> None:
    others = people.rule("configmaps", "get", names=sorted(CONFIG_MAPS.keys() - {name}))
    author = person(*creating(*EVERYTHING), others, people.rule("secrets", "get"))

    assert lacking(author.judged(NAMING)) == (name, CONFIG_MAPS[name])


def functions(count: int, variables: int, secret: str) -> list[dict[str, Any]]:
    """So many functions, each with so many variables from Secrets."""
    return [
        {"name": f"f{number}", "handler": "shop:app", "env": variables_of(number, variables, secret)}
        for number in range(count)
    ]


def variables_of(number: int, count: int, secret: str) -> list[dict[str, Any]]:
    return [
        {"name": f"V{one}", "valueFrom": {"secretKeyRef": {"name": secret.format(number * count + one), "key": "k"}}}
        for one in range(count)
    ]


def test_more_names_than_the_server_has_time_to_ask_about_are_refused_in_so_many_words(
    person: Callable[..., Person],
) -> None:
    named = people.rule("secrets", "get", names=[f"s{number}" for number in range(40)])
    author = person(*creating(*EVERYTHING), named)

    def judged(count: int) -> str | None:
        own = functions(1, count, "s{}")
        return author.judged(changed(functions=own, eventDriven=[]))

    assert judged(admission.NAMES) is None
    assert "names more than 24 different Secrets" in (judged(admission.NAMES + 1) or "")


def test_the_largest_app_fits_into_the_budget(person: Callable[..., Person]) -> None:
    largest = changed(functions=functions(64, 64, "a-secret"), eventDriven=[])
    by_name = person(*creating(*EVERYTHING), people.rule("secrets", "get", names=["a-secret"]))
    by_kind = person(*creating(*EVERYTHING), *REFERENCES)

    assert (by_name.judged(largest), by_kind.judged(largest)) == (None, None)


def test_an_edit_of_anything_but_the_spec_takes_no_other_right(kubectl: Kubectl, person: Callable[..., Person]) -> None:
    kubectl.apply(APP)
    tenant, path = person(), kubectl.path(APP)

    labeled = tenant.api.merge(path, {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}}})
    edited = tenant.api.merge(path, {"spec": {"image": "ghcr.io/acme/shop:2"}})

    assert labeled.refusal is None
    assert "may not create" in (edited.refusal or "")


def test_the_operator_is_not_held_up(kubectl: Kubectl, replicas: Callable[..., Replica]) -> None:
    replica = replicas().start()

    kubectl.apply(APP)
    harness.eventually(kubectl.settled)
    kubectl.work()

    harness.eventually(lambda: kubectl.condition().get("status") == "True")
    assert replica.end() == 0


def test_the_whole_spec_is_judged_when_somebody_else_edits_it(kubectl: Kubectl, person: Callable[..., Person]) -> None:
    kubectl.apply(changed(queues=[QUEUE]))
    editor = person(*creating(*set(EVERYTHING) - {"scaledobjects.keda.sh"}), *REFERENCES)

    message = editor.judged(changed(queues=[QUEUE], image="ghcr.io/acme/shop:2"))

    assert lacking(message) == ("scaledobjects.keda.sh", "spec.queues")
    assert editor.judged(changed(image="ghcr.io/acme/shop:2", queues=[])) is None
