"""What is wrong with an app, or nearly, by the families of rules in `patternapp.spec.cel`."""

from __future__ import annotations

from dataclasses import dataclass

KAFKA = "{bootstrapServers: ['kafka:9092'], topic: t}"
LOG = "{bootstrapServers: ['kafka:9092'], topics: [t], consumerGroup: g}"
LOGIN = "{bootstrapServers: ['kafka:9092'], topic: t, secretName: s, protocol: SASL_PLAINTEXT, saslMechanism: PLAIN}"
ELSEWHERE = "delivery: {deadLetter: {uri: 'https://a.example'}}"
RABBIT = "{name: q, function: orders, rabbitmq: {secretName: login, queue: mine}}"
PARAMETER = "write a whole segment as {name} or, at the end, {name...}"
POD = "on a cluster this is the Pod that calls it; name a function, or a host that others can reach"
ITSELF = "function: orders, delivery: {deadLetter: {function: orders}}"


@dataclass(frozen=True)
class Case:
    """A spec without its functions, where it is wrong, and what the server says there."""

    title: str
    spec: str
    path: str
    message: str


def unknown(section: str) -> str:
    return f"{section}: a function is named that spec.functions does not have"


def source(text: str) -> str:
    return f"eventDriven: [{{name: e, function: orders, source: {text}}}]"


def route(path: str) -> str:
    return f"gateway: {{routes: [{{name: r, path: '{path}', function: orders}}]}}"


WRONG = (
    Case(
        "a variable with a value and a source",
        "env: [{name: A, value: a, valueFrom: {secretKeyRef: {name: s, key: k}}}]",
        "spec.env[0]",
        "write at most one of value and valueFrom",
    ),
    Case(
        "a variable from nowhere",
        "env: [{name: A, valueFrom: {}}]",
        "spec.env[0].valueFrom",
        "write exactly one of secretKeyRef and configMapKeyRef",
    ),
    Case(
        "dead letters to two places",
        "delivery: {deadLetter: {function: orders, uri: 'https://a.example.com'}}",
        "spec.delivery.deadLetter",
        "write exactly one of function and uri",
    ),
    Case(
        "a route to nowhere",
        "gateway: {routes: [{name: r, path: /r}]}",
        "spec.gateway.routes[0]",
        "write exactly one of function and publish",
    ),
    Case(
        "authentication by nothing",
        "gateway: {auth: {}, routes: [{name: r, path: /r, function: orders}]}",
        "spec.gateway.auth",
        "write exactly one of jwt and apiKeys",
    ),
    Case("a source of nothing", source("{}"), "spec.eventDriven[0].source", "bucket, database and webhook"),
    Case(
        "a bucket of two clouds",
        source(
            "{bucket: {name: b, aws: {queueArn: 'arn:aws:sqs:eu-central-1:123456789012:q', secretName: s},"
            " ceph: {claim: c, objectStore: o, objectStoreNamespace: n}}}"
        ),
        "spec.eventDriven[0].source.bucket",
        "write at most one of aws and ceph",
    ),
    Case(
        "a webhook verified in no way",
        source("{webhook: {path: /w, verify: {}}}"),
        "spec.eventDriven[0].source.webhook.verify",
        "write exactly one of standardWebhooks, github and bearer",
    ),
    Case(
        "a queue in two systems",
        f"queues: [{{name: q, function: orders, kafka: {KAFKA}, rabbitmq: {{secretName: s}}}}]",
        "spec.queues[0]",
        "write exactly one of kafka and rabbitmq",
    ),
    Case(
        "a subscriber that is nobody",
        "fanOut: [{name: f, subscribers: [{name: s}]}]",
        "spec.fanOut[0].subscribers[0]",
        "write exactly one of function and uri",
    ),
    Case(
        "a function that is a handler and a program",
        "functions: [{name: orders, handler: 'shop.orders:app', command: [./orders]}]",
        "spec.functions[0]",
        "write exactly one of handler and command",
    ),
    Case(
        "a function with more at least than at most",
        "functions: [{name: orders, handler: 'shop.orders:app', scale: {min: 3, max: 2}}]",
        "spec.functions[0].scale",
        "min is above max; lower the one or raise the other",
    ),
    Case(
        "workers with more at least than at most",
        f"queues: [{{name: q, function: orders, kafka: {KAFKA}, scale: {{min: 3, max: 2}}}}]",
        "spec.queues[0].scale",
        "min is above max; lower the one or raise the other",
    ),
    Case(
        "credentials from anywhere",
        "gateway: {cors: {origins: ['*'], credentials: true}, routes: [{name: r, path: /r, function: orders}]}",
        "spec.gateway.cors.credentials",
        "browsers refuse credentials together with the origin *; list the origins",
    ),
    Case(
        "a queue's login without a Secret",
        "queues: [{name: q, function: orders, kafka: {bootstrapServers: ['kafka:9092'], topic: t, protocol: SSL}}]",
        "spec.queues[0].kafka.protocol",
        "protocol needs secretName; add it, or remove protocol",
    ),
    Case(
        "a stream's login without a Secret",
        "streams: [{name: s, function: orders, kafka: {bootstrapServers: ['kafka:9092'], topics: [t],"
        " consumerGroup: g, saslMechanism: PLAIN}}]",
        "spec.streams[0].kafka.saslMechanism",
        "saslMechanism needs secretName; add it, or remove saslMechanism",
    ),
    Case(
        "a variable of Knative's",
        "env: [{name: K_SINK, value: a}]",
        "spec.env[0].name",
        "K_SINK is set by Knative; choose another name",
    ),
    Case(
        "a route that keeps the answers it does not have",
        "gateway: {routes: [{name: r, path: /r, publish: {type: t}, cache: {ttl: 1s}}]}",
        "spec.gateway.routes[0].cache",
        "a route that publishes has no answer to keep; remove cache",
    ),
    Case(
        "a route that keeps what must not be kept",
        "gateway: {routes: [{name: r, path: /r, methods: [POST], function: orders, cache: {ttl: 1s}}]}",
        "spec.gateway.routes[0].cache",
        "answers to these methods are not kept; remove cache, or add GET to methods",
    ),
    *(
        Case(f"the path {path} of a route", route(path), "spec.gateway.routes[0].path", message)
        for path, message in (
            ("/a{b}", PARAMETER),
            ("/{a}b/c", PARAMETER),
            ("/{a...}/b", PARAMETER),
            ("/a/../b", "the segments . and .. never reach an app"),
            ("/a/%2E%2e", "the segments . and .. never reach an app"),
            ("/healthz", "/healthz, /metrics, /s3, /topics are PatternApp's own; choose another path"),
            ("/api/v1", "are PatternApp's own; choose another path"),
        )
    ),
    Case(
        "a webhook whose path has a parameter",
        source("{webhook: {path: '/hooks/{name}'}}"),
        "spec.eventDriven[0].source.webhook.path",
        "a webhook's path has no {}; write it out",
    ),
    *(
        Case(f"the duration of {spec}", spec, f"spec.{path}", message)
        for path, spec, message in (
            ("delivery.timeout", "delivery: {timeout: 2h}", "2h is out of range; write 1ms to 1h"),
            ("delivery.backoffDelay", "delivery: {backoffDelay: 0s}", "0s is out of range; write 1ms to 1h"),
            (
                "functions[0].timeout",
                "functions: [{name: orders, handler: 'a:b', timeout: 11m}]",
                "11m is out of range; write 1ms to 10m",
            ),
            (
                "queues[0].batch.wait",
                f"queues: [{{name: q, function: orders, kafka: {KAFKA}, batch: {{max: 2, wait: 61s}}}}]",
                "61s is out of range; write 0ms to 1m",
            ),
            (
                "gateway.routes[0].throttle.period",
                "gateway: {routes: [{name: r, path: /r, function: orders, throttle: {limit: 1, period: 50ms}}]}",
                "50ms is out of range; write 100ms to 24h",
            ),
        )
    ),
    *(
        Case(
            f"a topic named {name} of {path}",
            spec,
            f"spec.{path}",
            "no topic can have this name",
        )
        for name, path, spec in (
            (
                ".",
                "queues[0].kafka.topic",
                "queues: [{name: q, function: orders, kafka: {bootstrapServers: ['kafka:9092'], topic: .}}]",
            ),
            (
                "..",
                "streams[0].kafka.topics",
                f"streams: [{{name: s, function: orders, kafka: {LOG.replace('[t]', '[t, ..]')}}}]",
            ),
        )
    ),
    Case(
        "two queues in one topic",
        f"queues: [{{name: q, function: orders, kafka: {KAFKA}}}, {{name: r, function: orders, kafka: {KAFKA}}}]",
        "spec",
        "two queues keep their events in one topic; give each its own",
    ),
    Case(
        "two queues in one RabbitMQ queue",
        f"queues: [{RABBIT}, {RABBIT.replace('name: q', 'name: r')}]",
        "spec",
        "two queues keep their events in one RabbitMQ queue; give each its own",
    ),
    Case(
        "a stream of a queue's topic",
        f"queues: [{{name: q, function: orders, kafka: {KAFKA}}}]\n"
        f"streams: [{{name: s, function: orders, kafka: {LOG}}}]",
        "spec",
        "a stream reads the topic in which a queue keeps its events; name another topic",
    ),
    Case(
        "two streams in one consumer group",
        f"streams: [{{name: s, function: orders, kafka: {LOG}}}, {{name: t, function: orders, kafka: {LOG}}}]",
        "spec",
        "two streams read as one consumer group, so each would miss records; name another group",
    ),
    *(
        Case(
            f"dead letters in a circle in {path}",
            spec,
            f"spec.{path}",
            "the function would get the events that it failed on; let deadLetter name another function or a uri",
        )
        for path, spec in (
            ("eventDriven[0]", f"eventDriven: [{{name: e, {ITSELF}}}]"),
            ("fanOut[0].subscribers[0]", f"fanOut: [{{name: f, subscribers: [{{name: s, {ITSELF}}}]}}]"),
            ("queues[0]", f"queues: [{{name: q, kafka: {KAFKA}, {ITSELF}}}]"),
            ("streams[0]", f"streams: [{{name: s, kafka: {LOG}, {ITSELF}}}]"),
            ("schedules[0]", f"schedules: [{{name: s, cron: '@daily', {ITSELF}}}]"),
        )
    ),
    *(
        Case(
            f"dead letters in a circle by the app's default in {spec}",
            f"delivery: {{deadLetter: {{function: orders}}}}\n{spec}",
            "spec",
            f"{spec.partition(':')[0]}: a function would get the events that it failed on, as spec.delivery.deadLetter",
        )
        for spec in (
            "eventDriven: [{name: e, function: orders}]",
            "fanOut: [{name: f, subscribers: [{name: s, function: orders, delivery: {retry: 1}}]}]",
            f"queues: [{{name: q, kafka: {KAFKA}, function: orders}}]",
            f"streams: [{{name: s, kafka: {LOG}, function: orders}}]",
            "schedules: [{name: s, cron: '@daily', function: orders}]",
        )
    ),
    *(
        Case(f"a function unknown to {spec}", spec, "spec", unknown(spec.partition(":")[0]))
        for spec in (
            "delivery: {deadLetter: {function: nobody}}",
            "gateway: {routes: [{name: r, path: /r, function: nobody}]}",
            "eventDriven: [{name: e, function: nobody}]",
            "eventDriven: [{name: e, function: orders, delivery: {deadLetter: {function: nobody}}}]",
            "fanOut: [{name: f, subscribers: [{name: s, function: nobody}]}]",
            f"queues: [{{name: q, kafka: {KAFKA}, function: nobody}}]",
            f"streams: [{{name: s, kafka: {LOG}, function: nobody}}]",
            "schedules: [{name: s, cron: '@daily', function: nobody}]",
        )
    ),
    Case(
        "two dialects in one filter",
        "eventDriven: [{name: e, function: orders, filters: [{exact: {type: a}, prefix: {type: a}}]}]",
        "spec.eventDriven[0].filters[0]",
        "must have at most 1 item",
    ),
    Case(
        "two functions of one name",
        "functions: [{name: orders, handler: 'a:b'}, {name: orders, handler: 'c:d'}]",
        "spec.functions[1]",
        "Duplicate value",
    ),
    *(
        Case(
            f"the address {uri} for dead letters",
            f"delivery: {{deadLetter: {{uri: '{uri}'}}}}",
            "spec.delivery.deadLetter.uri",
            message,
        )
        for uri, message in (
            ("http://localhost:8080/", POD),
            ("http://api.localhost/", POD),
            ("http://127.0.0.1/", POD),
            ("http://[::1]:80/", POD),
            ("http://169.254.169.254/latest", "link-local, multicast and metadata addresses are not called"),
            ("http://[fe80::1]/", "link-local, multicast and metadata addresses are not called"),
            ("http://metadata.google.internal/", "link-local, multicast and metadata addresses are not called"),
            ("https://kubernetes.default.svc/api", "the Kubernetes API is not called; name another host"),
            ("https://kubernetes.default.svc.cluster.local", "the Kubernetes API is not called; name another host"),
        )
    ),
    Case(
        "a subscriber inside the machine",
        "fanOut: [{name: f, subscribers: [{name: s, uri: 'http://127.0.0.1/'}]}]",
        "spec.fanOut[0].subscribers[0].uri",
        POD,
    ),
    Case(
        "keys from the metadata",
        "gateway: {auth: {jwt: {issuer: 'https://a.example', audience: a, jwksUri: 'http://169.254.169.254/'}},"
        " routes: [{name: r, path: /r, function: orders}]}",
        "spec.gateway.auth.jwt.jwksUri",
        "link-local, multicast and metadata addresses are not called",
    ),
    Case("a field that there is not", "colour: red", "spec.colour", "unknown field"),
)


RIGHT = (
    "delivery: {deadLetter: {uri: 'https://metadata.example.com/127.0.0.1?x=%zz'}}",
    "delivery: {timeout: 1h, backoffDelay: 1ms}",
    "gateway: {routes: [{name: r, path: '/a/{b}/{c...}', function: orders, cache: {ttl: 1.5h}}]}",
    "gateway: {routes: [{name: r, path: /, function: orders}, {name: a, path: /apis/.x, function: orders}]}",
    f"delivery: {{deadLetter: {{function: orders}}}}\neventDriven: [{{name: e, function: orders, {ELSEWHERE}}}]",
    f"queues: [{{name: q, function: orders, kafka: {LOGIN}}}]",
    f"queues: [{RABBIT}, {{name: r, function: orders, rabbitmq: {{secretName: login}}}}]",
)
"""Specs near the border of a rule, on its right side."""
