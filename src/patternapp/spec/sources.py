"""Where events of an event-driven entry come from, as a user writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from patternapp.spec import formats
from patternapp.spec.base import Model, Name, Text
from patternapp.spec.gateway import Path

BucketEvent = Literal["created", "removed"]
Operation = Literal["insert", "update", "delete"]


class AwsBucket(Model):
    """A bucket of Amazon S3 that notifies an SQS queue."""

    queue_arn: Annotated[str, StringConstraints(pattern=formats.QUEUE_ARN, max_length=512)]
    """The SQS queue that the bucket notifies."""
    secret_name: Name
    """A Secret with the keys aws.accessKey and aws.secretKey."""


class CephBucket(Model):
    """A bucket of Ceph's object gateway, made by an ObjectBucketClaim."""

    claim: Name
    """The ObjectBucketClaim."""
    object_store: Name
    """The CephObjectStore."""
    object_store_namespace: Name
    """The namespace of the CephObjectStore."""


class Bucket(Model):
    """Objects of a bucket. Without `aws` and `ceph`: any S3 store that can call a webhook."""

    name: Annotated[str, StringConstraints(pattern=formats.BUCKET, max_length=63)]
    """The bucket."""
    events: Annotated[tuple[BucketEvent, ...], Field(min_length=1, max_length=2)] = ("created",)
    """What happened to an object."""
    prefix: Text | None = None
    """Only keys that begin so."""
    suffix: Text | None = None
    """Only keys that end so."""
    aws: AwsBucket | None = None
    """The bucket is Amazon's."""
    ceph: CephBucket | None = None
    """The bucket is Ceph's."""


class Database(Model):
    """Rows of a PostgreSQL table."""

    secret_name: Name
    """A Secret whose key `url` is the database's address."""
    table: Annotated[str, StringConstraints(pattern=formats.TABLE, max_length=127)]
    """The table, with its schema."""
    operations: Annotated[tuple[Operation, ...], Field(min_length=1, max_length=3)] = ("insert", "update", "delete")
    """What happened to a row."""


class SecretName(Model):
    """A Secret in the app's namespace."""

    secret_name: Name
    """The Secret; its key `secret` holds the value."""


class Verify(Model):
    """How a webhook proves who sent it: exactly one."""

    standard_webhooks: SecretName | None = None
    """Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature."""
    github: SecretName | None = None
    """GitHub: X-Hub-Signature-256."""
    bearer: SecretName | None = None
    """A bearer token in the Authorization header."""


class Webhook(Model):
    """Calls of another system. A CloudEvent is taken as it is; any other body becomes one."""

    path: Path
    """The path under which it is called."""
    type: Text | None = None
    """The event's type where the call is not a CloudEvent. Default: dev.patternapp.webhook."""
    verify: Verify | None = None
    """How the caller proves itself. Without it, everybody may call."""


class Source(Model):
    """Where events come from: exactly one."""

    bucket: Bucket | None = None
    """Objects of a bucket."""
    database: Database | None = None
    """Rows of a table."""
    webhook: Webhook | None = None
    """Calls of another system."""
