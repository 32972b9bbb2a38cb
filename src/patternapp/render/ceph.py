"""ceph.rook.io: a bucket of Ceph's object gateway notifies our bucket-events receiver.

The user labels the ObjectBucketClaim ``bucket-notification-<name>: <name>`` with the notification's name: the claim is
not the app's, so the app does not touch it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.render import names

if TYPE_CHECKING:
    from patternapp.plan.model import Source
    from patternapp.render.scope import Object, Scope
    from patternapp.spec import sources as spec_sources

VERSION = "ceph.rook.io/v1"
EVENTS = {"created": "s3:ObjectCreated:*", "removed": "s3:ObjectRemoved:*"}


def notification(scope: Scope, node: Source, bucket: spec_sources.Bucket) -> tuple[Object, Object]:
    """The topic and the notification of a bucket.

    Raises:
        TypeError: the bucket is not Ceph's.
    """
    if bucket.ceph is None:
        raise TypeError(f"{node.key} is not a bucket of Ceph")
    name = names.entry(scope.app, node.key)
    topic = {
        "objectStoreName": bucket.ceph.object_store,
        "objectStoreNamespace": bucket.ceph.object_store_namespace,
        # Stored and tried again until it is taken; otherwise an upload succeeds although its event is lost.
        "persistent": True,
        "endpoint": {"http": {"uri": _address(scope, node), "sendCloudEvents": True}},
    }
    spec: Object = {"topic": name, "events": [EVENTS[event] for event in bucket.events]}
    keys = [{"name": part, "value": value} for part in ("prefix", "suffix") if (value := getattr(bucket, part))]
    if keys:
        spec["filter"] = {"keyFilters": keys}
    return (
        scope.head(VERSION, "CephBucketTopic", name, "event-driven") | {"spec": topic},
        scope.head(VERSION, "CephBucketNotification", name, "event-driven") | {"spec": spec},
    )


def _address(scope: Scope, node: Source) -> str:
    """A whole address: Ceph's gateway runs in another namespace."""
    cluster = scope.capabilities
    host = f"{names.own(scope.app, names.BUCKET_EVENTS)}.{cluster.namespace}.svc.{cluster.cluster_domain}"
    return f"http://{host}/{node.key}"
