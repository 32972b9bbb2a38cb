"""Which part of a PatternApp becomes which kinds.

The operator needs the right to keep them, and an author the right to make them; both are made from this table.

What holds here: whatever `patternapp.render` makes of an app is among the kinds of the needs that hold for it. A need
may hold for an app that makes a little less of it, never the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from patternapp.cluster.resources import ApiKind

SPEC = "variables.spec"
"""What the conditions call the spec."""
PATTERNS = ("gateway", "eventDriven", "fanOut", "queues", "streams", "schedules")
"""The sections that can be switched off for an operator."""
_BATCHES, _SINGLE = "has(e.batch)", "!has(e.batch)"
_KNATIVE_SERVICE, _TRIGGER = "services.serving.knative.dev", "triggers.eventing.knative.dev"
_PODS = ("configmaps", "deployments.apps", "networkpolicies.networking.k8s.io")
_WORKER = (*_PODS, "scaledobjects.keda.sh")


@dataclass(frozen=True, slots=True)
class Need:
    """One part of an app.

    Attributes:
        name: A word for it, unlike all others.
        pattern: The pattern that it belongs to; empty for what every app may need.
        path: Where an author finds it.
        when: CEL that says of `SPEC` whether the app has it.
        resources: What it becomes, as ``plural.group``; the core's group is left out.
    """

    name: str
    pattern: str
    path: str
    when: str
    resources: tuple[str, ...]


def _some(section: str, condition: str = "true") -> str:
    return f"has({SPEC}.{section}) && {SPEC}.{section}.exists(e, {condition})"


def _source(kind: str, *conditions: str) -> str:
    return _some("eventDriven", " && ".join(["has(e.source)", f"has(e.source.{kind})", *conditions]))


_LOCKED_QUEUE = "has(e.rabbitmq) || (has(e.kafka) && has(e.kafka.secretName))"
_NO_DEAD_LETTER = f"!has({SPEC}.delivery) || !has({SPEC}.delivery.deadLetter)"

NEEDS = (
    Need(
        "app",
        "",
        "spec",
        "true",
        (
            "brokers.eventing.knative.dev",
            # Only where Eventing knows senders; a policy cannot tell.
            "eventpolicies.eventing.knative.dev",
            "sinkbindings.sources.knative.dev",
        ),
    ),
    Need("functions", "", "spec.functions", "true", (_KNATIVE_SERVICE,)),
    Need(
        "deadLetters",
        "",
        "spec.delivery (it names no deadLetter)",
        _NO_DEAD_LETTER,
        (*_PODS, "persistentvolumeclaims", "services"),
    ),
    Need("gateway", "gateway", "spec.gateway", f"has({SPEC}.gateway)", ("configmaps", _KNATIVE_SERVICE)),
    Need(
        "host",
        "gateway",
        "spec.gateway.host",
        f"has({SPEC}.gateway) && has({SPEC}.gateway.host)",
        ("domainmappings.serving.knative.dev",),
    ),
    Need("eventDriven", "eventDriven", "spec.eventDriven", _some("eventDriven"), (_TRIGGER,)),
    Need(
        "buckets",
        "eventDriven",
        "spec.eventDriven[].source.bucket",
        _source("bucket", "!has(e.source.bucket.aws)"),
        ("configmaps", _KNATIVE_SERVICE),
    ),
    Need(
        "awsBuckets",
        "eventDriven",
        "spec.eventDriven[].source.bucket.aws",
        _source("bucket", "has(e.source.bucket.aws)"),
        ("integrationsources.sources.knative.dev",),
    ),
    Need(
        "cephBuckets",
        "eventDriven",
        "spec.eventDriven[].source.bucket.ceph",
        _source("bucket", "has(e.source.bucket.ceph)"),
        ("cephbuckettopics.ceph.rook.io", "cephbucketnotifications.ceph.rook.io"),
    ),
    Need(
        "databases",
        "eventDriven",
        "spec.eventDriven[].source.database",
        _source("database"),
        _PODS,
    ),
    Need(
        "webhooks",
        "eventDriven",
        "spec.eventDriven[].source.webhook",
        _source("webhook"),
        ("configmaps", _KNATIVE_SERVICE),
    ),
    Need("fanOut", "fanOut", "spec.fanOut", _some("fanOut"), (_TRIGGER,)),
    Need("queues", "queues", "spec.queues", _some("queues"), (_TRIGGER, _KNATIVE_SERVICE, *_WORKER)),
    Need(
        "lockedQueues",
        "queues",
        "spec.queues[] (it names a Secret)",
        _some("queues", _LOCKED_QUEUE),
        ("triggerauthentications.keda.sh",),
    ),
    Need("batches", "streams", "spec.streams[].batch", _some("streams", _BATCHES), _WORKER),
    Need(
        "lockedBatches",
        "streams",
        "spec.streams[].kafka.secretName",
        _some("streams", f"{_BATCHES} && has(e.kafka.secretName)"),
        ("triggerauthentications.keda.sh",),
    ),
    Need(
        "records",
        "streams",
        "spec.streams[] (it has no batch)",
        _some("streams", _SINGLE),
        ("kafkasources.sources.knative.dev",),
    ),
    Need(
        "fedStreams",
        "streams",
        "spec.streams[].filters",
        _some("streams", "has(e.filters)"),
        (_TRIGGER, "configmaps", _KNATIVE_SERVICE),
    ),
    Need(
        "schedules",
        "schedules",
        "spec.schedules",
        _some("schedules"),
        ("pingsources.sources.knative.dev", _TRIGGER),
    ),
    Need(
        "jobs",
        "schedules",
        "spec.schedules[].job",
        _some("schedules", "has(e.job) && e.job"),
        ("jobsinks.sinks.knative.dev", "networkpolicies.networking.k8s.io"),
    ),
)
"""Every need, in the order of the resource."""


def resource(kind: ApiKind) -> str:
    """A kind as the table names it."""
    return kind.definition.rstrip(".")


def split(name: str) -> tuple[str, str]:
    """The group and the plural of a resource's name."""
    plural, _, group = name.partition(".")
    return group, plural


def resources(patterns: Collection[str]) -> list[str]:
    """All that apps with these patterns can become, sorted.

    Raises:
        ValueError: there is no such pattern.
    """
    unknown = set(patterns) - set(PATTERNS)
    if unknown:
        raise ValueError(f"no such pattern: {', '.join(sorted(unknown))}; there are {', '.join(PATTERNS)}")
    return sorted({name for need in NEEDS if need.pattern in {"", *patterns} for name in need.resources})


def users(name: str) -> tuple[str, ...]:
    """The patterns that become a resource, in the order of `PATTERNS`; none where every app may."""
    found = {need.pattern for need in NEEDS if name in need.resources}
    return () if "" in found else tuple(pattern for pattern in PATTERNS if pattern in found)


def by_resource() -> dict[str, list[Need]]:
    """The needs of each resource."""
    return {name: [need for need in NEEDS if name in need.resources] for name in resources(PATTERNS)}
