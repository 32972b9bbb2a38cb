"""From an S3 store's notification to events, in the shape that `dev` gives the files of a folder.

What holds here:

* The same record gives the same id, so that a repetition is known as one; another entry gives another id.
* A record that an entry did not ask for gives no event, whatever the store was told to send.

Sources: cloudevents/spec ``cloudevents/adapters/aws-s3.md``; Amazon S3 User Guide, "Event message structure". MinIO
writes its event names with ``s3:`` in front; Ceph leaves ``eventVersion`` and ``sequencer`` as Amazon has them.
"""

from __future__ import annotations

import hashlib
import json
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp.cloudevents import Event, check
from patternapp.plan import model

if TYPE_CHECKING:
    from patternapp.spec import sources as spec_sources

_KINDS: dict[str, spec_sources.BucketEvent] = {"ObjectCreated": "created", "ObjectRemoved": "removed"}
_TEST = "s3:TestEvent"
"""What Amazon sends when a notification is set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of the app: the bucket it asked for, and the marker of its events."""

    bucket: spec_sources.Bucket
    marker: str


class NotANotificationError(errors.PatternAppError):
    """The body is not what an S3 store sends."""


def read(body: bytes, entry: Entry) -> list[Event[bytes | None]]:
    """The events of a notification, in its order.

    Raises:
        NotANotificationError: It is not JSON with a list of ``Records``, or one of them lacks what makes an event.
    """
    try:
        notification = json.loads(body)
    except ValueError as error:
        raise NotANotificationError(f"the body is not JSON: {error}") from None
    match notification:
        case {"Records": [*records]}:
            found = (_event(record, number, entry) for number, record in enumerate(records))
            return [event for event in found if event is not None]
        case {"Event": str(name)} if name == _TEST:
            return []
    raise NotANotificationError('the body has no list "Records"; point the bucket\'s notifications here')


def _event(record: Any, number: int, entry: Entry) -> Event[bytes | None] | None:
    match record:
        case {
            "eventName": str(named),
            "eventTime": str(time),
            "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(encoded), **rest}},
        }:
            pass
        case _:
            raise NotANotificationError(
                f"Records[{number}] lacks one of eventName, eventTime, s3.bucket.name and s3.object.key"
            )
    name, key = named.removeprefix("s3:"), urllib.parse.unquote_plus(encoded)
    if not _wanted(entry.bucket, bucket=bucket, name=name, key=key):
        return None
    moment = rest.get("sequencer") or time
    identity = "\n".join((bucket, name, str(moment), str(rest.get("versionId", "")), entry.marker, key))
    attributes: dict[str, str | int | bool] = {
        "specversion": "1.0",
        "id": hashlib.sha256(identity.encode()).hexdigest()[:32],
        "source": f"aws:s3.{record.get('awsRegion') or 'local'}.{bucket}",
        "type": f"com.amazonaws.s3.{name}",
        "subject": key,
        "time": time,
        "datacontenttype": "application/json",
        model.SOURCE_ATTRIBUTE: entry.marker,
    }
    try:
        check(attributes)
    except errors.CloudEventError as error:
        raise NotANotificationError(f"Records[{number}] does not make an event: {error}") from None
    return Event(attributes, json.dumps(record, ensure_ascii=False).encode())


def _wanted(asked: spec_sources.Bucket, *, bucket: str, name: str, key: str) -> bool:
    return (
        bucket == asked.name
        and _KINDS.get(name.partition(":")[0]) in asked.events
        and key.startswith(asked.prefix or "")
        and key.endswith(asked.suffix or "")
    )
