"""The role `enqueue`: reads its configuration, opens the logs, serves until it is told to stop."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import prometheus_client
import pydantic

from patternapp.http import server
from patternapp.spec.base import Model
from patternapp_services import connections, monitor
from patternapp_services.enqueue.app import Enqueue
from patternapp_services.enqueue.kafka import KafkaWriter
from patternapp_services.enqueue.measures import Measures
from patternapp_services.enqueue.rabbitmq import RabbitMqWriter

if TYPE_CHECKING:
    from typing import Self

    from patternapp_services.enqueue.writers import Writer
    from patternapp_services.program import Setting

GRACE = 20
"""Seconds that requests in flight get at the end: longer than a write can take."""


class Entry(Model):
    """A path, and the queue or topic behind it: exactly one of `kafka` and `rabbitmq`."""

    path: str
    kafka: connections.Kafka | None = None
    rabbitmq: connections.RabbitMq | None = None

    @pydantic.model_validator(mode="after")
    def _one(self) -> Self:
        if (self.kafka is None) == (self.rabbitmq is None):
            raise ValueError("give exactly one of kafka and rabbitmq")
        return self

    def writer(self, secrets: connections.Secrets) -> Writer:
        """What appends to it; its connection is made when it is needed."""
        if self.rabbitmq is not None:
            return RabbitMqWriter(self.rabbitmq, secrets)
        if self.kafka is None:
            raise TypeError("an entry was made without its validation")
        return KafkaWriter(self.kafka, secrets)


class Config(Model):
    """What the service appends to."""

    logs: tuple[Entry, ...]


async def run(setting: Setting) -> None:
    """Serve until `setting.stopping` is set."""
    config = Config.model_validate_json(setting.config)
    registry = prometheus_client.CollectorRegistry()
    with server.listen(setting.host, setting.port) as listening:
        async with contextlib.AsyncExitStack() as stack:
            writers = {entry.path: entry.writer(setting.secrets) for entry in config.logs}
            for writer in writers.values():
                stack.push_async_callback(writer.close)
            app = monitor.Monitored(
                Enqueue(writers, Measures(registry)),
                registry=registry,
                ready=lambda: "it is stopping" if setting.stopping.is_set() else "",
            )
            await stack.enter_async_context(server.serving(app, listening, grace=lambda: GRACE, limits=setting.limits))
            await setting.stopping.wait()
