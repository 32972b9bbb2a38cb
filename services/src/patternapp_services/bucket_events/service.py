"""The role `bucket-events`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import sender
from patternapp.spec import base, sources
from patternapp_services import broker, monitor
from patternapp_services.bucket_events.app import BucketEvents
from patternapp_services.bucket_events.records import Entry

if TYPE_CHECKING:
    from patternapp_services.program import Setting


class Bucket(sources.Bucket):
    """A bucket of the app, the path that its store calls, and the marker of its events."""

    path: str
    marker: str


class Config(base.Model):
    """The buckets whose stores call."""

    buckets: tuple[Bucket, ...]


async def run(setting: Setting) -> None:
    """Serve until `setting.stopping` is set."""
    config = Config.model_validate_json(setting.config)
    async with sender.Sender() as http:
        publish = broker.Broker(setting.addresses, http)
        entries = {bucket.path: Entry(bucket=bucket, marker=bucket.marker) for bucket in config.buckets}
        await monitor.serve(BucketEvents(entries, publish=publish), setting)
