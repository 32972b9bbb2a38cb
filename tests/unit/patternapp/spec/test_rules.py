"""Rules across fields. A case is the YAML of a spec without `functions`; these are `orders` and `email`."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from patternapp import durations, errors
from patternapp.spec import constraints, load, schema, validation
from patternapp.spec.rules import addresses

HEAD = """\
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: shop}
spec:
  functions:
    - {name: orders, handler: shop.orders:app}
    - {name: email, command: [./email]}
"""
KAFKA = "{bootstrapServers: ['kafka:9092'], topic: t}"
STREAM = "{bootstrapServers: ['kafka:9092'], topics: [t], consumerGroup: g}"


@dataclass(frozen=True)
class Case:
    """What is written, and the paths and reasons that must come of it."""

    title: str
    spec: str
    want: tuple[tuple[str, str], ...] = ()


def routes(*rows: str, more: str = "") -> str:
    return f"gateway: {{{more}routes: [{', '.join(f'{{{row}}}' for row in rows)}]}}"


def queue(more: str, name: str = "q") -> str:
    return f"{{name: {name}, function: orders, {more}}}"


CASES = (
    Case(
        "how to log in means nothing without a Secret",
        f"""\
  queues: [{queue("kafka: {bootstrapServers: ['kafka:9092'], topic: t, protocol: SSL}")}]
  streams: [{{name: s, function: orders, kafka: {STREAM.replace("[t]", "[u], saslMechanism: PLAIN")}}}]
""",
        (
            ("spec.queues[0].kafka.protocol", "Incomplete"),
            ("spec.streams[0].kafka.saslMechanism", "Incomplete"),
        ),
    ),
    Case(
        "every reference to a function is checked",
        f"""\
  delivery: {{deadLetter: {{function: a}}}}
  {routes("name: r, path: /r, function: b")}
  eventDriven: [{{name: e, function: c}}]
  fanOut: [{{name: f, subscribers: [{{name: s, function: d}}]}}]
  queues: [{{name: q, kafka: {KAFKA}, function: e}}]
  streams: [{{name: s, kafka: {STREAM.replace("[t]", "[u]")}, function: f}}]
  schedules: [{{name: s, cron: "@daily", function: g, delivery: {{deadLetter: {{function: h}}}}}}]
""",
        (
            ("spec.delivery.deadLetter.function", "UnknownFunction"),
            ("spec.gateway.routes[0].function", "UnknownFunction"),
            ("spec.eventDriven[0].function", "UnknownFunction"),
            ("spec.fanOut[0].subscribers[0].function", "UnknownFunction"),
            ("spec.queues[0].function", "UnknownFunction"),
            ("spec.streams[0].function", "UnknownFunction"),
            ("spec.schedules[0].function", "UnknownFunction"),
            ("spec.schedules[0].delivery.deadLetter.function", "UnknownFunction"),
        ),
    ),
    Case(
        "a function that nothing calls is fine",
        "",
    ),
    Case(
        "two entries of one section cannot share a name",
        "  eventDriven: [{name: e, function: orders}, {name: e, function: email}]",
        (("spec.eventDriven[1].name", "DuplicateName"),),
    ),
    Case(
        "entries of two sections can share a name",
        "  eventDriven: [{name: e, function: orders}]\n  schedules: [{name: e, cron: '@daily', function: orders}]",
    ),
    Case(
        "two subscribers of one fan-out cannot share a name, those of two can",
        "  fanOut: [{name: f, subscribers: [{name: s, function: orders}]},"
        " {name: g, subscribers: [{name: s, function: orders}, {name: s, function: email}]}]",
        (("spec.fanOut[1].subscribers[1].name", "DuplicateName"),),
    ),
    Case(
        "two variables of one list cannot share a name",
        "  env: [{name: A, value: a}, {name: A, value: b}]",
        (("spec.env[1].name", "DuplicateName"),),
    ),
    Case(
        "variables that Knative sets are refused",
        "  env: [{name: PORT, value: a}, {name: K_REVISION, value: a}, {name: K_SINK, value: a}, {name: MY_PORT}]",
        (
            ("spec.env[0].name", "ReservedName"),
            ("spec.env[1].name", "ReservedName"),
            ("spec.env[2].name", "ReservedName"),
        ),
    ),
    Case(
        "alternatives exclude each other",
        "  env: [{name: A, value: a, valueFrom: {secretKeyRef: {name: s, key: k}}}]\n"
        f"  queues: [{queue(f'kafka: {KAFKA}, rabbitmq: {{secretName: s}}')}]\n"
        "  eventDriven: [{name: e, function: orders, filters: [{exact: {type: a}, prefix: {type: a}}]}]",
        (
            ("spec.env[0]", "Exclusive"),
            ("spec.eventDriven[0].filters[0]", "Exclusive"),
            ("spec.queues[0]", "Exclusive"),
        ),
    ),
    Case(
        "one of the alternatives is written",
        "  delivery: {deadLetter: {}}\n"
        "  queues: [{name: q, function: orders}]\n"
        "  eventDriven: [{name: e, function: orders, source: {}, filters: [{}]},"
        " {name: w, function: orders, source: {webhook: {path: /w, verify: {}}}}]\n"
        f"  {routes('name: r, path: /r', more='auth: {}, ')}",
        (
            ("spec.delivery.deadLetter", "MissingChoice"),
            ("spec.gateway.auth", "MissingChoice"),
            ("spec.gateway.routes[0]", "MissingChoice"),
            ("spec.eventDriven[0].source", "MissingChoice"),
            ("spec.eventDriven[0].filters[0]", "MissingChoice"),
            ("spec.eventDriven[1].source.webhook.verify", "MissingChoice"),
            ("spec.queues[0]", "MissingChoice"),
        ),
    ),
    Case(
        "min is not above max, the default one included",
        f"  queues: [{queue(f'kafka: {KAFKA}, scale: {{min: 11}}')}]",
        (("spec.queues[0].scale", "OutOfRange"),),
    ),
    Case(
        "durations have limits",
        "  delivery: {timeout: 0s, backoffDelay: 2h}\n"
        f"  queues: [{queue(f'kafka: {KAFKA}, batch: {{max: 1, wait: 61s}}')}]",
        (
            ("spec.delivery.backoffDelay", "OutOfRange"),
            ("spec.delivery.timeout", "OutOfRange"),
            ("spec.queues[0].batch.wait", "OutOfRange"),
        ),
    ),
    Case(
        "filters of four levels are fine",
        "  eventDriven: [{name: e, function: orders, filters: [{all: [{any: [{not: {exact: {type: a}}}]}]}]}]",
    ),
    Case(
        "filters of five levels are too deep",
        "  eventDriven: [{name: e, function: orders, filters: [{all: [{any: [{not: {not: {exact: {type: a}}}}]}]}]}]",
        (("spec.eventDriven[0].filters[0].all[0].any[0].not.not", "FilterTooDeep"),),
    ),
    Case(
        "CESQL is accepted as it is",
        "  eventDriven: [{name: e, function: orders, filters: [{cesql: 'NOT ( parsed here'}]}]",
    ),
    Case(
        "a function does not get back what it failed on",
        "  eventDriven: [{name: e, function: orders, delivery: {deadLetter: {function: orders}}}]",
        (("spec.eventDriven[0].delivery.deadLetter.function", "DeadLetterLoop"),),
    ),
    Case(
        "nor by the app's dead letter, unless the entry has its own",
        "  delivery: {deadLetter: {function: email}}\n"
        "  eventDriven: [{name: a, function: email}, {name: b, function: orders},"
        " {name: c, function: email, delivery: {deadLetter: {function: orders}}}]",
        (("spec.eventDriven[0].function", "DeadLetterLoop"),),
    ),
    Case(
        "two routes cannot claim one method of paths that match the same requests",
        "  "
        + routes(
            "name: a, path: '/a/{x}', function: orders",
            "name: b, path: '/a/{y}', methods: [POST], function: orders",
            "name: c, path: '/a/{z}', methods: [HEAD, GET], function: orders",
            "name: d, path: '/a/{z...}', function: orders",
            "name: e, path: '/%61/{z}', methods: [POST], function: orders",
        ),
        (
            ("spec.gateway.routes[2].path", "DuplicateRoute"),
            ("spec.gateway.routes[4].path", "DuplicateRoute"),
        ),
    ),
    Case(
        "a path is well-formed",
        "  "
        + routes(
            "name: a, path: '/a{x}', function: orders",
            "name: b, path: '/{x...}/b', function: orders",
            "name: c, path: '/{x}/{x}', function: orders",
            "name: d, path: '/a/../b', function: orders",
            "name: e, path: '/a/%2e%2E', function: orders",
            "name: f, path: '/a/%0d', function: orders",
            "name: g, path: /, function: orders",
        ),
        tuple((f"spec.gateway.routes[{index}].path", "BadPath") for index in range(6)),
    ),
    Case(
        "our own paths are not a route's nor a webhook's",
        f"  {routes('name: a, path: /api/x, function: orders', 'name: b, path: /apis, function: orders')}\n"
        "  eventDriven: [{name: e, function: orders, source: {webhook: {path: /events}}}]",
        (
            ("spec.gateway.routes[0].path", "ReservedPath"),
            ("spec.eventDriven[0].source.webhook.path", "ReservedPath"),
        ),
    ),
    Case(
        "webhooks have literal paths of their own",
        f"  {routes('name: a, path: /a, function: orders')}\n"
        "  eventDriven: [{name: a, function: orders, source: {webhook: {path: /a}}},"
        " {name: b, function: orders, source: {webhook: {path: '/b/{x}'}}},"
        " {name: c, function: orders, source: {webhook: {path: /c}}},"
        " {name: d, function: orders, source: {webhook: {path: /c}}}]",
        (
            ("spec.eventDriven[0].source.webhook.path", "DuplicateRoute"),
            ("spec.eventDriven[1].source.webhook.path", "BadPath"),
            ("spec.eventDriven[3].source.webhook.path", "DuplicateRoute"),
        ),
    ),
    Case(
        "credentials need origins",
        "  " + routes("name: a, path: /a, function: orders", more="cors: {origins: ['*'], credentials: true}, "),
        (("spec.gateway.cors.credentials", "Exclusive"),),
    ),
    Case(
        "only answers of functions to GET and HEAD are cached",
        "  "
        + routes(
            "name: a, path: /a, function: orders, cache: {ttl: 1s}",
            "name: b, path: /b, methods: [POST], function: orders, cache: {ttl: 1s}",
            "name: c, path: /c, publish: {type: a}, cache: {ttl: 1s}",
        ),
        (
            ("spec.gateway.routes[1].cache", "CacheNotPossible"),
            ("spec.gateway.routes[2].cache", "CacheNotPossible"),
        ),
    ),
    Case(
        "methods, origins, events, operations and topics are sets",
        "  "
        + routes(
            "name: a, path: /a, methods: [GET, GET], function: orders",
            more="cors: {origins: ['http://a', 'http://a']}, ",
        )
        + f"\n  streams: [{{name: s, kafka: {STREAM.replace('[t]', '[t, t]')}, function: orders}}]",
        (
            ("spec.gateway.cors.origins[1]", "DuplicateValue"),
            ("spec.gateway.routes[0].methods[1]", "DuplicateValue"),
            ("spec.streams[0].kafka.topics[1]", "DuplicateValue"),
        ),
    ),
    Case(
        "a queue's topic is its own",
        f"  queues: [{queue(f'kafka: {KAFKA}', 'a')}, {queue(f'kafka: {KAFKA}', 'b')}]\n"
        f"  streams: [{{name: s, kafka: {STREAM}, function: orders}}]",
        (
            ("spec.queues[1].kafka.topic", "TopicConflict"),
            ("spec.streams[0].kafka.topics[0]", "TopicConflict"),
        ),
    ),
    Case(
        "so is its RabbitMQ queue",
        f"  queues: [{queue('rabbitmq: {secretName: s, queue: r}', 'a')}, "
        f"{queue('rabbitmq: {secretName: s, queue: r}', 'b')},"
        f" {queue('rabbitmq: {secretName: s}', 'c')}, {queue('rabbitmq: {secretName: s}', 'd')}]",
        (("spec.queues[1].rabbitmq.queue", "TopicConflict"),),
    ),
    Case(
        "two streams read one topic in two groups, not in one",
        f"  streams: [{{name: a, kafka: {STREAM}, function: orders}}, {{name: b, kafka: {STREAM}, function: email}},"
        f" {{name: c, kafka: {STREAM.replace(': g', ': h')}, function: email}}]",
        (("spec.streams[1].kafka.consumerGroup", "GroupConflict"),),
    ),
    Case(
        "a topic has a name",
        f"  queues: [{queue(f'kafka: {KAFKA}').replace('topic: t', 'topic: ..')}]\n"
        f"  streams: [{{name: s, kafka: {STREAM.replace('[t]', '[.]')}, function: orders}}]",
        (("spec.queues[0].kafka.topic", "BadFormat"), ("spec.streams[0].kafka.topics[0]", "BadFormat")),
    ),
    Case(
        "cron expressions and zones can be read, and come true",
        "  schedules: [{name: a, cron: '0 2 * * 7', function: orders}, {name: b, cron: '0 0 30 2 *', function: orders},"
        " {name: c, cron: '@every 5m', timeZone: Nowhere, function: orders},"
        " {name: d, cron: '0 0 29 2 *', function: orders}]",
        (
            ("spec.schedules[0].cron", "BadCron"),
            ("spec.schedules[1].cron", "NeverFires"),
            ("spec.schedules[2].cron", "BadCron"),
            ("spec.schedules[2].timeZone", "BadTimeZone"),
        ),
    ),
    Case(
        "addresses that the cluster must not call are refused wherever it would call them",
        "  delivery: {deadLetter: {uri: 'http://169.254.169.254/'}}\n"
        "  fanOut: [{name: f, subscribers: [{name: s, uri: 'http://localhost:80/'}]}]\n"
        "  "
        + routes(
            "name: a, path: /a, function: orders",
            more="auth: {jwt: {issuer: 'http://a', audience: a, jwksUri: 'https://kubernetes.default.svc/x'}}, ",
        ),
        (
            ("spec.delivery.deadLetter.uri", "ForbiddenAddress"),
            ("spec.gateway.auth.jwt.jwksUri", "ForbiddenAddress"),
            ("spec.fanOut[0].subscribers[0].uri", "LoopbackAddress"),
        ),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_rule_finds_what_is_wrong_and_nothing_else(case: Case) -> None:
    try:
        load.load(HEAD + case.spec + "\n", file="app.yaml")
        found = set()
    except errors.SpecError as error:
        found = {(problem.path, problem.reason) for problem in error.problems}

    assert found == set(case.want)


def test_every_duration_of_the_models_has_limits() -> None:
    objects = schema.document()["$defs"]

    written = {
        (name, field)
        for name, node in objects.items()
        for field, inner in node["properties"].items()
        if inner.get("pattern") == durations.PATTERN
    }

    assert written == {(model.__name__, field) for model, field in constraints.DURATIONS}


def test_every_rule_says_what_it_holds() -> None:
    assert all(rule.__doc__ for rule in validation.RULES)


@pytest.mark.parametrize(
    "uri",
    [
        "https://partner.example.com/events",
        "http://10.0.0.1:8080/",
        "http://192.168.1.1/",
        "http://[fd12:3456::1]/",
        "http://orders.other.svc.cluster.local",
        "https://metadata.example.com/",
        "https://xn--caf-dma.example/",
        "http://127.example.com/",
    ],
)
def test_an_address_that_others_can_reach_is_fine(uri: str) -> None:
    assert addresses.refusal(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost",
        "http://LOCALHOST.:80/x",
        "http://a.localhost/",
        "http://127.0.0.1",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0.0.0.0/",
        "http://0/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://ip6-localhost/",
    ],
)
def test_loopback_in_any_notation_has_its_own_reason(uri: str) -> None:
    refusal = addresses.refusal(uri)

    assert refusal is not None
    assert refusal[0] == "LoopbackAddress"


@pytest.mark.parametrize(
    "uri",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://2852039166/",
        "http://0xA9.0xFE.0xA9.0xFE/",
        "http://169.254.43518/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[::169.254.169.254]/",
        "http://[64:ff9b:1::a9fe:a9fe]/",
        "http://169.254.169.254./",
        "http://100.100.100.200/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://metadata.google.internal/",
        "http://kubernetes",
        "http://kubernetes.default:443/",
        "https://kubernetes.default.svc.cluster.local/api",
    ],
)
def test_an_address_of_the_platform_is_forbidden_in_any_notation(uri: str) -> None:
    refusal = addresses.refusal(uri)

    assert refusal is not None
    assert refusal[0] == "ForbiddenAddress"


@pytest.mark.parametrize(
    "uri",
    [
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://a:99999/",
        "http://a:b/",
        "http://256.1.1.1/",
        "http://09.1.1.1/",
        "http://%31/",
        "http://é/",
        "http://\N{FULLWIDTH DIGIT ONE}69.254.169.254/",
        "http://169.254.169.254\\.example.com/",
        "http://a;b/",
        "http://a\x01/",
        "http://a/\x7f",
        "http://a/ b",
        "http:///",
    ],
)
def test_an_address_that_cannot_be_read_is_refused(uri: str) -> None:
    refusal = addresses.refusal(uri)

    assert refusal is not None
    assert refusal[0] == "BadFormat"
