"""Kubernetes' own kinds: ConfigMaps, and the Deployments of what pulls or keeps."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from patternapp.plan.model import Broker, Consume, Queue, Trigger
from patternapp.render import containers, names, receivers
from patternapp.render import scope as scopes

if TYPE_CHECKING:
    from patternapp.plan.model import Source, Stream
    from patternapp.render.scope import Object, Scope
    from patternapp.spec import sources as spec_sources

WORKER, OUTBOX = "worker", "outbox"
LAST_CALL = 30
"""Seconds that a worker's Pod has beyond the function's timeout to commit what was acknowledged."""
DEAD_LETTER_SPACE = "1Gi"
DATA_FOLDER = "/var/lib/patternapp"


def config_map(scope: Scope, name: str, component: str, config: Object) -> Object:
    """The configuration of one of our services, as ``config.json``."""
    return scope.head("v1", "ConfigMap", name, component) | {"data": {"config.json": scopes.compact(config)}}


def worker_config(scope: Scope, node: Queue | Stream, edge: Consume) -> Object:
    """What a worker reads: where to pull, how to call the function beside it, when to give up, and what then."""
    config = receivers.log(scope, node)
    if isinstance(node, Queue) and node.kafka is not None:
        config["kafka"] |= {"consumerGroup": names.consumer_group(scope.app, node.name), "startAt": "earliest"}
    if any(trigger.head == node.key for trigger in scope.plan.edges_of(Trigger)):
        config["entry"] = scope.receiver(node.key)
    return config | {
        "url": f"http://127.0.0.1:{containers.PORT}/",
        "batch": {"max": edge.batch_max, "waitSeconds": edge.batch_wait},
        "ordered": edge.ordered,
        "delivery": {
            "retry": edge.delivery.retry,
            "backoffPolicy": edge.delivery.backoff_policy,
            "backoffDelaySeconds": edge.delivery.backoff_delay,
            "timeoutSeconds": edge.delivery.timeout,
        },
        "deadLetter": scope.address(edge.dead_letter),
    }


def worker(scope: Scope, node: Queue | Stream, edge: Consume) -> tuple[Object, Object]:
    """A worker's ConfigMap and Deployment: our worker, and the function beside it. KEDA owns the replicas."""
    name = names.worker(scope.app, node.key)
    function = scope.function(edge.head)
    config = config_map(scope, name, WORKER, worker_config(scope, node, edge))
    mounts = containers.Mounts(config=name, secrets=receivers.log_secrets(node))
    pod = {
        "terminationGracePeriodSeconds": math.ceil(max(function.timeout, edge.delivery.timeout)) + LAST_CALL,
        "initContainers": [containers.beside_worker(function)],
        "containers": [containers.pulling(scope, WORKER, mounts)],
        "volumes": mounts.volumes(),
    }
    return config, _deployment(scope, name, WORKER, (pod, config), {})


def outbox(scope: Scope, node: Source, database: spec_sources.Database) -> tuple[Object, Object]:
    """A database's outbox reader. Two may overlap while one is replaced: rows are claimed with SKIP LOCKED.

    What the Broker never takes goes where the Broker's own dead letters go.
    """
    name = names.entry(scope.app, node.key)
    (broker,) = scope.plan.nodes_of(Broker)
    more = {"app": scope.app, "marker": node.marker, "deadLetter": scope.address(broker.dead_letter)}
    config = config_map(scope, name, OUTBOX, scopes.dumped(database) | more)
    mounts = containers.Mounts(config=name, secrets=(database.secret_name,))
    pod = {"containers": [containers.pulling(scope, OUTBOX, mounts)], "volumes": mounts.volumes()}
    return config, _deployment(scope, name, OUTBOX, (pod, config), {"replicas": 1})


def dead_letters(scope: Scope) -> tuple[Object, ...]:
    """The app's dead-letter store: a Deployment with a volume.

    Not a Knative Service: those have no volume that outlives a Pod, and a dead letter must.
    """
    role = names.DEAD_LETTERS
    name = names.own(scope.app, role)
    config = config_map(scope, name, role, dead_letter_config(scope))
    mounts = containers.Mounts(config=name)
    container = containers.monitored(containers.own(scope, role, mounts), containers.PORT)
    container["volumeMounts"] = [*container["volumeMounts"], {"name": "data", "mountPath": DATA_FOLDER}]
    volumes = [*mounts.volumes(), {"name": "data", "persistentVolumeClaim": {"claimName": name}}]
    # The volume belongs to one Pod at a time, and without root its group must be ours.
    pod = {"securityContext": {"fsGroup": 65532}, "containers": [container], "volumes": volumes}
    one = {"replicas": 1, "strategy": {"type": "Recreate"}}
    space = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": DEAD_LETTER_SPACE}}}
    service = {"selector": names.labels(scope.app, role), "ports": [{"port": 80, "targetPort": containers.PORT}]}
    return (
        config,
        scope.head("v1", "PersistentVolumeClaim", name, role) | {"spec": space},
        _deployment(scope, name, role, (pod, config), one),
        scope.head("v1", "Service", name, role) | {"spec": service},
    )


def dead_letter_config(scope: Scope) -> Object:
    """What the store reads: where it keeps, and whom it may send to again, each with the address that Brokers call."""
    called = [edge.head for edge in scope.plan.edges_of(Trigger) if not scope.is_job(edge)]
    # A worker's function has no address of its own; a KafkaSource calls its function's.
    called += [edge.head for edge in scope.plan.edges_of(Consume) if edge.batch_max is None]
    known = [{"name": head} | scope.receiver(head) for head in dict.fromkeys(called)]
    return {"app": scope.app, "folder": DATA_FOLDER, "receivers": [*known, {"name": "broker", "sink": True}]}


def _deployment(scope: Scope, name: str, component: str, content: tuple[Object, Object], spec: Object) -> Object:
    """A Deployment of `content`'s Pod, which changes with the ConfigMap beside it."""
    pod, config = content
    selected = names.labels(scope.app, component) | {"app.kubernetes.io/instance": name}
    digest = hashlib.sha256(config["data"]["config.json"].encode()).hexdigest()[: names.HASH_LENGTH]
    template = {
        "metadata": {"labels": selected, "annotations": {names.CONFIG_HASH: digest}},
        "spec": {"automountServiceAccountToken": False, "enableServiceLinks": False} | pod,
    }
    head = scope.head(scopes.APPS, "Deployment", name, component)
    return head | {"spec": spec | {"selector": {"matchLabels": selected}, "template": template}}
