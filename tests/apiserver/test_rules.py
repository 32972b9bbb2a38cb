"""What the API server refuses itself: each family of rules in `patternapp.spec.cel`, with the message a user sees."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from cluster import api

HEAD = """\
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: shop}
spec:
  functions: [{name: orders, handler: "shop.orders:app"}]
"""
KAFKA = "{bootstrapServers: ['kafka:9092'], topic: t}"
LOG = "{bootstrapServers: ['kafka:9092'], topics: [t], consumerGroup: g}"
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


CASES = (
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
        "min is above max",
    ),
    Case(
        "workers with more at least than at most",
        f"queues: [{{name: q, function: orders, kafka: {KAFKA}, scale: {{min: 3, max: 2}}}}]",
        "spec.queues[0].scale",
        "min is above max",
    ),
    Case(
        "credentials from anywhere",
        "gateway: {cors: {origins: ['*'], credentials: true}, routes: [{name: r, path: /r, function: orders}]}",
        "spec.gateway.cors",
        "browsers refuse credentials together with the origin *",
    ),
    *(
        Case(f"dead letters in a circle in {path}", spec, f"spec.{path}", "deadLetter names the function that failed")
        for path, spec in (
            ("eventDriven[0]", f"eventDriven: [{{name: e, {ITSELF}}}]"),
            ("fanOut[0].subscribers[0]", f"fanOut: [{{name: f, subscribers: [{{name: s, {ITSELF}}}]}}]"),
            ("queues[0]", f"queues: [{{name: q, kafka: {KAFKA}, {ITSELF}}}]"),
            ("streams[0]", f"streams: [{{name: s, kafka: {LOG}, {ITSELF}}}]"),
            ("schedules[0]", f"schedules: [{{name: s, cron: '@daily', {ITSELF}}}]"),
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
    Case(
        "an address inside the cluster",
        "delivery: {deadLetter: {uri: 'http://169.254.169.254/latest'}}",
        "spec.delivery.deadLetter.uri",
        "must not validate the schema (not)",
    ),
    Case("a field that there is not", "colour: red", "spec.colour", "unknown field"),
)


def app(spec: str) -> dict[str, Any]:
    written: dict[str, Any] = yaml.safe_load(HEAD)
    written["spec"] |= yaml.safe_load(spec)
    return written


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_server_refuses_a_wrong_app_where_it_is_wrong(case: Case, server: api.Api, namespace: str) -> None:
    answer = server.create(app(case.spec), namespace=namespace)

    assert answer.refusal is not None
    assert case.message in answer.refusal
    assert case.path in answer.refusal


def test_the_server_refuses_another_consumer_group(server: api.Api, namespace: str) -> None:
    stream = app(f"streams: [{{name: s, kafka: {LOG}, function: orders}}]")
    server.create(stream, namespace=namespace).object()

    moved = copy.deepcopy(stream["spec"]["streams"])
    moved[0]["kafka"]["consumerGroup"] = "h"
    answer = server.merge(server.path(stream, namespace), {"spec": {"streams": moved}})

    assert answer.refusal is not None
    assert "consumerGroup is the stream's position and never changes" in answer.refusal


def test_the_server_takes_another_topic_of_a_stream(server: api.Api, namespace: str) -> None:
    stream = app(f"streams: [{{name: s, kafka: {LOG}, function: orders}}]")
    server.create(stream, namespace=namespace).object()

    stream["spec"]["streams"][0]["kafka"]["topics"] = ["u"]

    assert server.apply(stream, namespace=namespace).refusal is None
