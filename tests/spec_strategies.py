"""Valid PatternApps for tests: one from text, and Hypothesis' strategies for all of them.

A strategy yields the resource as JSON data, as a user would write it. Names are few and awkward on purpose (double
hyphens, names of our own services, the greatest length), so that objects' names meet.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from patternapp.spec import load, v1alpha1

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

AWKWARD = ("a", "b-c", "a-b", "c", "a--b", "gateway", "enqueue", "dead-letters", "x" * 63, "x" * 62 + "y", "queue")
NAMES = st.one_of(st.sampled_from(AWKWARD), st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
DURATIONS = st.sampled_from(["1ms", "500ms", "30s", "2.5s", "5m", "1h30m"])
URIS = st.sampled_from(["https://a.example.com/events", "http://b.example.com?x=1&y=2"])
SERVERS = st.just(["kafka.kafka:9092"])
TOPICS = st.from_regex(r"[a-zA-Z0-9._-]{1,20}", fullmatch=True)
IMAGES = st.from_regex(r"[a-z0-9]([a-z0-9./:-]{0,40}[a-z0-9])?", fullmatch=True)
SECRETS = st.sampled_from(["secret-one", "secret-two"])
JSON_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def app_of(text: str) -> v1alpha1.PatternApp:
    """The app that YAML text declares."""
    return load.load(text, file="in.yaml")


def parsed(data: dict[str, Any]) -> v1alpha1.PatternApp:
    """The app that a strategy's data declares."""
    return v1alpha1.PatternApp.model_validate_json(json.dumps(data))


def some(**fields: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Mappings with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


def named(names: int, build: Any) -> SearchStrategy[list[dict[str, Any]]]:
    """Up to `names` entries with names of their own; `build` takes a name's strategy."""
    return st.lists(build, max_size=names, unique_by=lambda entry: entry["name"])


def filters() -> SearchStrategy[dict[str, Any]]:
    """One condition of any dialect."""
    attributes = st.dictionaries(st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True), TEXTS, min_size=1, max_size=2)
    leaves = st.one_of(
        st.builds(lambda dialect, value: {dialect: value}, st.sampled_from(["exact", "prefix", "suffix"]), attributes),
        st.just({"cesql": "EXISTS priority AND priority = 'high'"}),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda value: {"not": value}, inner),
            st.builds(
                lambda dialect, value: {dialect: value},
                st.sampled_from(["all", "any"]),
                st.lists(inner, min_size=1, max_size=2),
            ),
        ),
        max_leaves=4,
    )


def sources() -> SearchStrategy[dict[str, Any]]:
    """A bucket of any kind, a database or a webhook."""
    aws = st.just({"queueArn": "arn:aws:sqs:eu-central-1:123456789012:uploads", "secretName": "aws"})
    ceph = st.just({"claim": "uploads", "objectStore": "store", "objectStoreNamespace": "rook-ceph"})
    base: dict[str, SearchStrategy[Any]] = {"name": st.just("uploads")}
    verify = st.sampled_from(["standardWebhooks", "github", "bearer"]).flatmap(
        lambda way: st.builds(lambda secret: {way: {"secretName": secret}}, SECRETS)
    )
    return st.one_of(
        st.fixed_dictionaries({"bucket": st.fixed_dictionaries(base, optional={"prefix": TEXTS, "suffix": TEXTS})}),
        st.fixed_dictionaries({"bucket": st.fixed_dictionaries(base | {"aws": aws})}),
        st.fixed_dictionaries({"bucket": st.fixed_dictionaries(base | {"ceph": ceph})}),
        st.just({"database": {"secretName": "db", "table": "public.stock"}}),
        st.fixed_dictionaries(
            {"webhook": st.fixed_dictionaries({"path": st.just("/hook")}, optional={"verify": verify})}
        ),
    )


def gateways(function: SearchStrategy[str]) -> SearchStrategy[dict[str, Any]]:
    """A gateway with a few routes."""
    auth = st.sampled_from(
        [
            {"jwt": {"issuer": "https://id.example.com", "audience": "a", "jwksUri": "https://id.example.com/jwks"}},
            {"apiKeys": {"secretName": "keys"}},
        ]
    )
    rules: dict[str, SearchStrategy[Any]] = {
        "throttle": st.just({"limit": 5}),
        "cache": st.just({"ttl": "30s"}),
        "auth": auth | st.just("none"),
    }
    base: dict[str, SearchStrategy[Any]] = {
        "name": NAMES,
        "path": st.sampled_from(["/", "/orders/{id}", "/files/{rest...}"]),
    }
    route = st.one_of(
        st.fixed_dictionaries(base | {"function": function}, optional=rules),
        st.fixed_dictionaries(base | {"publish": st.builds(lambda kind: {"type": kind}, TEXTS)}, optional=rules),
    )
    routes = st.lists(route, min_size=1, max_size=3, unique_by=lambda entry: entry["name"])
    return st.fixed_dictionaries(
        {"routes": routes},
        optional={"host": st.just("shop.example.com"), "auth": auth, "cors": st.just({"origins": ["*"]})},
    )


@st.composite
def resources(draw: DrawFn) -> dict[str, Any]:
    """Any valid PatternApp whose functions have images."""
    functions = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    function = st.sampled_from(functions)
    target = st.builds(lambda name: {"function": name}, function) | st.builds(lambda uri: {"uri": uri}, URIS)
    delivery = some(
        retry=st.integers(0, 100),
        backoffPolicy=st.sampled_from(["linear", "exponential"]),
        backoffDelay=DURATIONS,
        timeout=DURATIONS,
        deadLetter=target,
    )
    conditions = st.lists(filters(), max_size=2)
    calls: dict[str, SearchStrategy[Any]] = {"name": NAMES, "function": function}
    common = {"filters": conditions, "delivery": delivery}
    worker = {"scale": some(min=st.integers(0, 3), max=st.integers(3, 9), lag=st.integers(1, 99), idle=DURATIONS)}
    batch = st.fixed_dictionaries({"max": st.integers(1, 500)}, optional={"wait": DURATIONS})
    kafka: dict[str, SearchStrategy[Any]] = {"bootstrapServers": SERVERS}
    secret = {"secretName": SECRETS}
    login: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        secret,
        optional={
            "protocol": st.sampled_from(["SASL_SSL", "SASL_PLAINTEXT", "SSL"]),
            "saslMechanism": st.sampled_from(["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]),
        },
    ) | st.just({})
    subscriber = st.builds(lambda name, to, rest: {"name": name} | to | rest, NAMES, target, some(**common))
    queue = st.fixed_dictionaries(
        calls | {"kafka": st.builds(dict.__or__, st.fixed_dictionaries(kafka | {"topic": TOPICS}), login)},
        optional=common | worker | {"batch": batch},
    ) | st.fixed_dictionaries(
        calls | {"rabbitmq": st.fixed_dictionaries(secret, optional={"queue": TOPICS})}, optional=common | worker
    )
    topics = st.lists(TOPICS, min_size=1, max_size=2)
    log = st.builds(dict.__or__, st.fixed_dictionaries(kafka | {"topics": topics, "consumerGroup": TOPICS}), login)
    sections = some(
        gateway=gateways(function),
        eventDriven=named(3, st.fixed_dictionaries(calls, optional=common | {"source": sources()})),
        fanOut=named(
            3,
            st.fixed_dictionaries(
                {
                    "name": NAMES,
                    "subscribers": st.lists(subscriber, min_size=1, max_size=3, unique_by=lambda entry: entry["name"]),
                },
                optional={"filters": conditions},
            ),
        ),
        queues=named(2, queue),
        streams=named(2, st.fixed_dictionaries(calls | {"kafka": log}, optional=common | worker | {"batch": batch})),
        schedules=named(
            2,
            st.fixed_dictionaries(
                calls | {"cron": st.just("0 2 * * *")},
                optional={
                    "data": st.dictionaries(TEXTS, JSON_DATA, max_size=2),
                    "job": st.booleans(),
                    "delivery": delivery,
                },
            ),
        ),
        delivery=delivery,
        broker=some(**{"class": TEXTS, "config": NAMES}),
        env=st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(["A", "B"]), "value": TEXTS}),
            max_size=2,
            unique_by=lambda variable: variable["name"],
        ),
    )
    written = [{"name": name, "handler": "shop.orders:app"} for name in functions]
    spec = {"image": draw(IMAGES), "functions": written} | draw(sections)
    return {
        "apiVersion": "patternapp.dev/v1alpha1",
        "kind": "PatternApp",
        "metadata": {"name": draw(NAMES)},
        "spec": spec,
    }
