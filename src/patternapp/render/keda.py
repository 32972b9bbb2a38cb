"""keda.sh: how many workers a queue or a stream has.

What holds here: a queue can always leave zero, and an outage of Kafka never empties a running set of workers. Each
setting says which trap it avoids (KEDA issues in brackets), and is written out where a default avoids it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from patternapp.plan.model import Queue
from patternapp.render import logins, names
from patternapp.render import scope as scopes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.plan.model import Consume, Stream
    from patternapp.render.scope import Object, Scope
    from patternapp.spec import v1alpha1

MECHANISMS = {"SCRAM-SHA-512": "scram_sha512", "SCRAM-SHA-256": "scram_sha256", "PLAIN": "plaintext"}
"""Kafka's word: KEDA's."""
PROTOCOL_VERSION = "2.1.0"
"""The oldest that Kafka 4 still speaks (KIP-896); without it KEDA speaks 1.0.0."""
MINIMUM_COOLDOWN = 60
"""Seconds; a Kafka broker must be able to restart within them, or its outage looks like an empty queue (#4098)."""
POLLING_INTERVAL = 10


def scaled_object(scope: Scope, node: Queue | Stream, edge: Consume) -> Object:
    """Scales the worker's Deployment of the same name by what waits."""
    name = names.worker(scope.app, node.key)
    spec = {
        "scaleTargetRef": scopes.reference(scopes.APPS, "Deployment", name),
        "pollingInterval": POLLING_INTERVAL,
        "cooldownPeriod": max(math.ceil(edge.idle), MINIMUM_COOLDOWN),
        "minReplicaCount": edge.min,
        "maxReplicaCount": edge.max,
        # An unreadable lag keeps what runs; from zero, one worker finds out (#7411).
        "fallback": {"failureThreshold": 3, "replicas": max(edge.min, 1), "behavior": "currentReplicasIfHigher"},
        "triggers": [_authenticated(scaler, node, name) for scaler in _scalers(scope, node, edge)],
    }
    return scope.head(scopes.KEDA, "ScaledObject", name, _pattern(node)) | {"spec": spec}


def authentication(scope: Scope, node: Queue | Stream) -> Object | None:
    """The TriggerAuthentication of the same name; None where no Secret is named."""
    secret = _secret(node)
    if secret is None:
        return None
    parameters = _parameters(node)
    targets = [{"parameter": parameter, "name": secret, "key": key} for parameter, key in parameters.items()]
    head = scope.head(scopes.KEDA, "TriggerAuthentication", names.worker(scope.app, node.key), _pattern(node))
    return head | {"spec": {"secretTargetRef": targets}}


def _scalers(scope: Scope, node: Queue | Stream, edge: Consume) -> list[Object]:
    if not isinstance(node, Queue):
        group = node.kafka.consumer_group
        return [_kafka(node.kafka, topic, group, edge.lag) for topic in node.kafka.topics]
    if node.kafka is not None:
        return [_kafka(node.kafka, node.kafka.topic, names.consumer_group(scope.app, node.name), edge.lag)]
    chosen = None if node.rabbitmq is None else node.rabbitmq.queue
    queue = names.rabbitmq_queue(scope.app, node.name, chosen)
    metadata = {"queueName": queue, "mode": "QueueLength", "value": str(edge.lag), "activationValue": "0"}
    return [{"type": "rabbitmq", "metadata": metadata}]


def _kafka(kafka: v1alpha1.QueueKafka | v1alpha1.StreamKafka, topic: str, group: str, lag: int) -> Object:
    metadata = {
        "bootstrapServers": ",".join(kafka.bootstrap_servers),
        "version": PROTOCOL_VERSION,
        # With no topic, a group that never committed has no lag and never wakes.
        "topic": topic,
        "consumerGroup": group,
        "lagThreshold": str(lag),
        "activationLagThreshold": "0",
        # "latest" reports a lag of one for every partition without a commit and never reaches zero (#2033). It is only
        # KEDA's reading: where a new group begins is the worker's affair, and it commits when it starts.
        "offsetResetPolicy": "earliest",
        # "true" reports no lag without a commit: no worker starts, so none ever commits (#5689).
        "scaleToZeroOnInvalidOffset": "false",
        # More workers than partitions would have nothing to do.
        "allowIdleConsumers": "false",
        # "true" would cut workers each time a partition runs dry, and every cut is a rebalance for the others.
        "limitToPartitionsWithLag": "false",
        # "true" takes a handler that is slower than the polling for a stuck one, and scales in under load.
        "excludePersistentLag": "false",
    }
    login = logins.login(kafka)
    if login is not None:
        # A Secret in Knative's form has no words of KEDA's, so these two are told here.
        metadata["sasl"] = MECHANISMS[login.mechanism] if login.sasl else "none"
        metadata["tls"] = "enable" if login.tls else "disable"
    return {"type": "kafka", "metadata": metadata}


def _parameters(node: Queue | Stream) -> Mapping[str, str]:
    """KEDA's parameter: the Secret's key. A key that the Secret does not have counts as empty."""
    login = None if node.kafka is None else logins.login(node.kafka)
    if login is None:
        return {"host": "url"}
    parameters = {"username": logins.USER, "password": logins.PASSWORD} if login.sasl else {}
    if login.tls:
        parameters["ca"] = logins.AUTHORITY
    if not login.sasl:
        parameters |= {"cert": logins.CERTIFICATE, "key": logins.KEY}
    return parameters


def _authenticated(scaler: Object, node: Queue | Stream, name: str) -> Object:
    return scaler if _secret(node) is None else scaler | {"authenticationRef": {"name": name}}


def _secret(node: Queue | Stream) -> str | None:
    broker: v1alpha1.QueueKafka | v1alpha1.RabbitMq | v1alpha1.StreamKafka | None = node.kafka
    if isinstance(node, Queue) and node.rabbitmq is not None:
        broker = node.rabbitmq
    return None if broker is None else broker.secret_name


def _pattern(node: Queue | Stream) -> str:
    return node.key.partition("/")[0]
