"""eventing.knative.dev and sources.knative.dev: the Broker and what feeds and empties it.

What holds here:

* Every delivery is written out whole. A Trigger with any ``delivery`` ignores its Broker's retries, and behind a Kafka
  Broker also its dead letter.
* What fills an ordered log is ordered itself, or the log would keep an order that nobody sent in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import delivery as deliveries
from patternapp.plan.model import SOURCE_ATTRIBUTE, Consume
from patternapp.render import names
from patternapp.render import scope as scopes

if TYPE_CHECKING:
    from patternapp.delivery import DeliverySpec
    from patternapp.plan.model import Broker, Schedule, Source, Trigger
    from patternapp.render.scope import Object, Scope
    from patternapp.spec import sources as spec_sources


def broker(scope: Scope, node: Broker) -> Object:
    """The app's Broker; of its class only where the user names one."""
    head = scope.head(scopes.EVENTING, "Broker", names.broker(scope.app), "broker")
    if node.class_ is not None:
        head["metadata"]["annotations"] = {names.BROKER_CLASS: node.class_}
    spec = {"delivery": delivery(scope, node.delivery, node.dead_letter)}
    if node.config is not None:
        spec = {"config": scopes.reference("v1", "ConfigMap", node.config)} | spec
    return head | {"spec": spec}


def trigger(scope: Scope, edge: Trigger) -> Object:
    """A Trigger with its filters and a whole delivery."""
    spec: Object = {"broker": names.broker(scope.app)}
    if edge.filters:
        spec["filters"] = [dict(condition) for condition in edge.filters]
    spec["subscriber"] = scope.subscriber(edge)
    spec["delivery"] = delivery(scope, edge.delivery, edge.dead_letter)
    pattern = edge.key.partition("/")[0]
    head = scope.head(scopes.EVENTING, "Trigger", names.entry(scope.app, edge.key), pattern)
    if any(consume.ordered for consume in scope.plan.edges_of(Consume) if consume.tail == edge.head):
        # The Kafka Broker reads it; others have no order to keep.
        head["metadata"]["annotations"] = {names.DELIVERY_ORDER: "ordered"}
    return head | {"spec": spec}


def delivery(scope: Scope, spec: DeliverySpec, dead_letter: str | None) -> Object:
    """A DeliverySpec with nothing left to a default."""
    whole: Object = {
        "deadLetterSink": scope.dead_letters(dead_letter),
        "retry": spec.retry,
        "backoffPolicy": spec.backoff_policy,
        "backoffDelay": _period(spec.backoff_delay),
        "timeout": _period(spec.timeout),
    }
    if scope.capabilities.retry_after:
        whole["retryAfterMax"] = _period(deliveries.RETRY_AFTER_CAP)
    return whole


def sink_binding(scope: Scope, api_version: str, kind: str) -> Object:
    """Gives every object of one kind of this app the Broker's address in ``K_SINK``, as `dev` does."""
    selector: Object = {"matchLabels": names.selector(scope.app)}
    if kind == "Deployment":
        # Revisions have Deployments too, with the labels of their Knative Service: they get the address from that.
        selector["matchExpressions"] = [{"key": "serving.knative.dev/revision", "operator": "DoesNotExist"}]
    subject = {"apiVersion": api_version, "kind": kind, "selector": selector}
    head = scope.head(scopes.SOURCES, "SinkBinding", names.binding(scope.app, kind), "broker")
    return head | {"spec": {"subject": subject, "sink": scope.broker()}}


def ping_source(scope: Scope, node: Schedule) -> Object:
    """The clock of a schedule."""
    spec: Object = {"schedule": node.cron, "timezone": node.time_zone}
    if node.data is not None:
        spec |= {"contentType": "application/json", "data": scopes.compact(node.data)}
    spec |= _feeds(scope, node.marker)
    return scope.head(scopes.SOURCES, "PingSource", names.entry(scope.app, node.key), "schedule") | {"spec": spec}


def sqs_source(scope: Scope, node: Source, bucket: spec_sources.AwsBucket) -> Object:
    """Reads the SQS queue that a bucket of Amazon S3 notifies."""
    queue = {"arn": bucket.queue_arn, "region": bucket.queue_arn.split(":")[3]}
    auth = {"secret": {"ref": {"name": bucket.secret_name}}}
    spec = {"aws": {"sqs": queue, "auth": auth}} | _feeds(scope, node.marker)
    head = scope.head(scopes.CONNECTORS, "IntegrationSource", names.entry(scope.app, node.key), "event-driven")
    return head | {"spec": spec}


def _feeds(scope: Scope, marker: str) -> Object:
    return {"ceOverrides": {"extensions": {SOURCE_ATTRIBUTE: marker}}, "sink": scope.broker()}


def _period(seconds: float) -> str:
    """ISO 8601 to the millisecond, never with an exponent."""
    return f"PT{f'{seconds:.3f}'.rstrip('0').rstrip('.')}S"
