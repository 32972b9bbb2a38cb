"""Every name, label and annotation of the objects an app becomes; nothing else makes one.

What holds here:

* A name is a DNS label within its kind's limit. Where it would be longer it is cut and ends in a hash of all its parts.
* A name depends on the app's name and the entry's own, never on other entries: adding one renames nothing, which would
  lose a Kafka Trigger's place.
* No two objects of one kind in an app share a name. Parts that the user chose are joined by ``--``, which neither
  begins nor ends a label; a part that holds ``--`` itself makes the name end in the hash, and so does a function named
  as one of our own services.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DOMAIN = "patternapp.dev"
APP_LABEL = f"{DOMAIN}/app"
CONFIG_HASH = f"{DOMAIN}/config-hash"
"""On a Pod template: changes with the ConfigMap it mounts, so that a new configuration rolls out."""
AUTOSCALING = "autoscaling.knative.dev"
VISIBILITY = "networking.knative.dev/visibility"
BROKER_CLASS = "eventing.knative.dev/broker.class"
DELIVERY_ORDER = "kafka.eventing.knative.dev/delivery.order"
COMPONENT = "app.kubernetes.io/component"
NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that the API server gives every namespace."""

GATEWAY, WEBHOOKS, BUCKET_EVENTS, ENQUEUE, DEAD_LETTERS = (
    "gateway",
    "webhooks",
    "bucket-events",
    "enqueue",
    "dead-letters",
)
OWN = frozenset({GATEWAY, WEBHOOKS, BUCKET_EVENTS, ENQUEUE, DEAD_LETTERS})
"""Our own services: an app has at most one of each."""

LABEL_LIMIT = 63
SERVICE_LIMIT = 57
"""A Knative Service: its Revisions are named ``<name>-00001``, and those names are label values."""
SCALED_OBJECT_LIMIT = 54
"""KEDA names the autoscaler ``keda-hpa-<name>`` and refuses more than 63 characters."""
JOB_SINK_LIMIT = 28
"""Knative names a Job ``<name>-<32 digits>``, and Kubernetes its Pod's host ``<Job>-0``: together a label."""
HASH_LENGTH = 8


def labels(app: str, component: str) -> dict[str, str]:
    """The labels of every object; `component` says what it is for."""
    return {
        "app.kubernetes.io/name": app,
        COMPONENT: component,
        "app.kubernetes.io/managed-by": "patternapp",
        APP_LABEL: app,
    }


def selector(app: str) -> dict[str, str]:
    """The label that all objects of an app and nothing else have."""
    return {APP_LABEL: app}


def broker(app: str) -> str:
    """The Broker."""
    return app


def function(app: str, name: str) -> str:
    """A function's Knative Service."""
    parts = (app, name)
    readable = "-".join(parts)
    return _named(readable, parts, limit=SERVICE_LIMIT, hashed=name in OWN)


def own(app: str, role: str) -> str:
    """One of our services, with its ConfigMap; `role` is in `OWN`."""
    return _named(f"{app}-{role}", (app, "", role), limit=SERVICE_LIMIT)


def entry(app: str, key: str) -> str:
    """What stands for an edge or a node of the plan, such as a Trigger or a PingSource, by its key."""
    return _of_entry(app, key, limit=LABEL_LIMIT)


def job_sink(app: str, key: str) -> str:
    """The JobSink of a schedule, by its key."""
    return _of_entry(app, key, limit=JOB_SINK_LIMIT)


def worker(app: str, key: str) -> str:
    """The Deployment, ScaledObject, TriggerAuthentication and ConfigMap of a queue's or a stream's worker.

    `key` is the queue's or the stream's.
    """
    return _of_entry(app, key, limit=SCALED_OBJECT_LIMIT)


def closed(app: str) -> str:
    """The NetworkPolicy of all Pods that nobody calls."""
    return _named(f"{app}-closed", (app, "", "closed"))


def binding(app: str, kind: str) -> str:
    """The SinkBinding of all objects of one kind."""
    return _named(f"{app}-{kind.lower()}s", (app, "", kind))


def consumer_group(app: str, queue: str) -> str:
    """The Kafka consumer group of a queue's workers; its offsets are the queue's position."""
    return f"patternapp.{app}.{queue}"


def rabbitmq_queue(app: str, queue: str, chosen: str | None) -> str:
    """The RabbitMQ queue of an entry: the one it names, else one of its own."""
    return chosen or f"patternapp.{app}.{queue}"


def autoscaling(values: Mapping[str, object]) -> dict[str, str]:
    """Knative's autoscaling annotations; annotations are strings."""
    return {f"{AUTOSCALING}/{key}": str(value) for key, value in values.items()}


def _of_entry(app: str, key: str, *, limit: int) -> str:
    pattern, *chosen = key.split("/")
    ambiguous = len(chosen) > 1 and any("--" in part for part in chosen)
    return _named(f"{app}-{pattern}-{'--'.join(chosen)}", (app, key), limit=limit, hashed=ambiguous)


def _named(readable: str, parts: tuple[str, ...], *, limit: int = LABEL_LIMIT, hashed: bool = False) -> str:
    if len(readable) <= limit and not hashed:
        return readable
    digest = hashlib.sha256("/".join(parts).encode()).hexdigest()[:HASH_LENGTH]
    return f"{readable[: limit - HASH_LENGTH - 1].rstrip('-')}-{digest}"
