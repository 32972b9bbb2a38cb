"""The events of objects, in the shape that the CloudEvents adapter for Amazon S3 gives them.

A function that is written for them works on the files of `dev` and on a real S3 store.
Sources: cloudevents/spec ``cloudevents/adapters/aws-s3.md``; Amazon S3 User Guide, "Event message structure".
"""

from __future__ import annotations

import hashlib
import json
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp import cloudevents
from patternapp.plan import model
from patternapp.runtime import clock

if TYPE_CHECKING:
    from patternapp.spec import sources as spec_sources
    from patternapp_services.buckets.files import State

_NAMES: dict[spec_sources.BucketEvent, str] = {
    "created": "ObjectCreated:Put",
    "removed": "ObjectRemoved:Delete",
}
REGION = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that happened to an object.

    Attributes:
        bucket: The bucket.
        key: The object's key.
        operation: What happened.
        state: The object's new state, or the last one of a removed object.
        etag: The MD5 of a created object.
        at: When, seconds since the epoch.
    """

    bucket: str
    key: str
    operation: spec_sources.BucketEvent
    state: State
    etag: str | None
    at: float


def wanted(origin: spec_sources.Bucket, change: Change) -> bool:
    """Whether an entry with this bucket asked for such a change."""
    return (
        origin.name == change.bucket
        and change.operation in origin.events
        and change.key.startswith(origin.prefix or "")
        and change.key.endswith(origin.suffix or "")
    )


def event(change: Change, *, entry: str, marker: str) -> cloudevents.Event[bytes | None]:
    """The event of a change for the entry with this name and marker.

    The same change gives the same id, so that a repetition is known as one; another entry gives another id, so that
    the same function may get the change from both.
    """
    identity = "\n".join((change.bucket, change.operation, str(change.state), marker, change.key))
    attributes = {
        "specversion": "1.0",
        "id": hashlib.sha256(identity.encode()).hexdigest()[:32],
        "source": f"aws:s3.{REGION}.{change.bucket}",
        "type": f"com.amazonaws.s3.{_NAMES[change.operation]}",
        "subject": change.key,
        "time": clock.rfc3339(change.at),
        "datacontenttype": "application/json",
        model.SOURCE_ATTRIBUTE: marker,
    }
    return cloudevents.Event(attributes, json.dumps(_record(change, entry)).encode())


def _record(change: Change, entry: str) -> dict[str, object]:
    # S3 percent-encodes the key in its records, as a form does; the subject has it plain.
    stored: dict[str, object] = {"key": urllib.parse.quote_plus(change.key, safe="/")}
    if change.operation == "created":
        stored |= {"size": change.state.size, "eTag": change.etag}
    stored["sequencer"] = f"{change.state.mtime_ns:016X}"
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": clock.rfc3339(change.at),
        "eventName": _NAMES[change.operation],
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": entry,
            "bucket": {"name": change.bucket, "arn": f"arn:aws:s3:::{change.bucket}"},
            "object": stored,
        },
    }
