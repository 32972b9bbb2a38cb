"""sources.knative.dev KafkaSource: a stream whose records are delivered one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.render import eventing, logins, names

if TYPE_CHECKING:
    from patternapp.plan.model import Consume, Stream
    from patternapp.render.scope import Object, Scope

OLD = "v1beta1"


def source(scope: Scope, node: Stream, edge: Consume) -> Object:
    """A KafkaSource. The consumer group is the user's and always set: the default is new on every creation.

    Where only v1beta1 is served it may be that of the archived eventing-kafka, which knows neither `ordering` nor
    `delivery` and refuses what it does not know. It reads each partition in order and keeps no dead letters.
    """
    spec: Object = {
        "bootstrapServers": list(node.kafka.bootstrap_servers),
        "topics": list(node.kafka.topics),
        "consumerGroup": node.kafka.consumer_group,
        "initialOffset": node.kafka.start_at,
        "ordering": "ordered" if edge.ordered else "unordered",
        # Consumers share the data plane's Pods; the partitions bound how many of them work.
        "consumers": edge.max,
        "delivery": eventing.delivery(scope, edge.delivery, edge.dead_letter),
        "sink": scope.destination(edge.head),
    }
    if scope.capabilities.kafka_source == OLD:
        del spec["ordering"], spec["delivery"]
    login = logins.login(node.kafka)
    if login is not None:
        spec["net"] = _net(login)
    version = f"sources.knative.dev/{scope.capabilities.kafka_source}"
    return scope.head(version, "KafkaSource", names.worker(scope.app, node.key), "stream") | {"spec": spec}


def _net(login: logins.Login) -> Object:
    """A KafkaSource says in its spec what the Secret's ``protocol`` says elsewhere."""

    def key(name: str) -> Object:
        return {"secretKeyRef": {"name": login.secret, "key": name}}

    net: Object = {}
    if login.sasl:
        names_of = {"type": "sasl.mechanism", "user": logins.USER, "password": logins.PASSWORD}
        net["sasl"] = {"enable": True} | {field: key(name) for field, name in names_of.items()}
    if login.tls:
        net["tls"] = {"enable": True, "caCert": key(logins.AUTHORITY)}
    if not login.sasl:
        net["tls"] |= {"cert": key(logins.CERTIFICATE), "key": key(logins.KEY)}
    return net
