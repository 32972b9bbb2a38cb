"""The role `worker`: reads its configuration, pulls, calls the function beside it, until it is told to stop."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import TYPE_CHECKING, Literal, Protocol

import prometheus_client
import pydantic

from patternapp import sender as senders
from patternapp.consume import orders
from patternapp.consume.backlog import Backlog
from patternapp.consume.consumer import Consumer
from patternapp.consume.memory import MemoryLog
from patternapp.delivery import DeliverySpec
from patternapp.http import server
from patternapp.spec.base import Model
from patternapp_services import connections, monitor
from patternapp_services.enqueue.kafka import KafkaWriter
from patternapp_services.worker.kafka import KafkaReader
from patternapp_services.worker.limits import BATCH_BYTES, Limits
from patternapp_services.worker.measures import Measures
from patternapp_services.worker.rabbitmq import RabbitMqReader
from patternapp_services.worker.target import HttpTarget, Sink, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from patternapp.consume.items import Item
    from patternapp_services.program import Setting

CONCURRENCY = 4
"""Requests to the function at once, so that it does not wait while the next batch is made, nor for one that hangs."""
PROBE_GRACE = 1
"""Seconds that a look at the metrics gets at the end."""


class Reader(Protocol):
    """What pulls: it puts items into a log, and hears which are done."""

    def start(self, memory: MemoryLog) -> None:
        """Begin."""

    def done(self, items: Sequence[Item]) -> None:
        """These are done; the broker may forget them."""

    async def stop(self) -> None:
        """Tell the broker what is done, and leave the rest to others."""

    def trouble(self) -> str:
        """Why the process should be restarted; empty where it should not."""

    def lags(self) -> Iterable[tuple[str, str, int]]:
        """Log, partition, and how much waits."""


class Batch(Model):
    """When a batch goes."""

    max: int
    wait_seconds: float


class Delivery(Model):
    """How often and how patiently."""

    retry: int
    backoff_policy: Literal["linear", "exponential"]
    backoff_delay_seconds: float
    timeout_seconds: float

    def spec(self) -> DeliverySpec:
        """The same for `patternapp.delivery`."""
        return DeliverySpec(
            retry=self.retry,
            backoff_policy=self.backoff_policy,
            backoff_delay=self.backoff_delay_seconds,
            timeout=self.timeout_seconds,
        )


class Config(Model):
    """What a worker does: exactly one of `kafka` and `rabbitmq`; `url` is the function.

    `dead_letter` is a target as `addresses` knows them, or ``{"topic": name}``, a topic beside those of `kafka`.
    `entry` is one too: where events of this log come in, so that a dead letter can be sent there again; the function's
    own address where nobody of ours fills the log.
    """

    kafka: connections.Kafka | None = None
    rabbitmq: connections.RabbitMq | None = None
    url: str
    batch: Batch
    ordered: bool
    delivery: Delivery
    dead_letter: dict[str, str | bool]
    entry: dict[str, str | bool] | None = None
    concurrency: int = CONCURRENCY
    session_seconds: float = 30.0

    @pydantic.model_validator(mode="after")
    def _one(self) -> Self:
        if (self.kafka is None) == (self.rabbitmq is None):
            raise ValueError("give exactly one of kafka and rabbitmq")
        if self.kafka is None and "topic" in self.dead_letter:
            raise ValueError("a dead-letter topic needs kafka")
        return self

    def limits(self) -> Limits:
        """What the reader is bound by: enough is held for a batch to fill while others are under way."""
        least = self.batch.max * (self.concurrency + 1)
        usual = Limits(session=self.session_seconds)
        return dataclasses.replace(
            usual,
            held=max(usual.held, least),
            prefetch=max(usual.prefetch, least),
            # Heartbeats rest meanwhile, so the group must not lose patience.
            hand_over=min(usual.hand_over, self.session_seconds / 3),
        )


async def run(setting: Setting) -> None:
    """Work until `setting.stopping` is set, then finish or abandon what is under way and let go of the log."""
    config = Config.model_validate_json(setting.config)
    registry = prometheus_client.CollectorRegistry()
    measures = Measures(registry)
    entry = config.url if config.entry is None else setting.addresses.url(config.entry)
    reader = _reader(config, setting.secrets, measures, entry=entry)
    batching = orders.Batching(count=config.batch.max, size=BATCH_BYTES, wait=config.batch.wait_seconds)
    spec = config.delivery.spec()
    backlog = Backlog(orders.Ordered(batching) if config.ordered else orders.Unordered(batching), spec)
    memory = MemoryLog(backlog, clock=time.monotonic, done=reader.done)
    measures.watch(backlog.tally, reader.lags)
    with server.listen(setting.host, setting.port) as listening:
        health = monitor.Monitored(None, registry=registry, alive=reader.trouble)
        async with contextlib.AsyncExitStack() as stack:
            sender = await stack.enter_async_context(senders.Sender())
            await stack.enter_async_context(
                server.serving(health, listening, grace=lambda: PROBE_GRACE, limits=setting.limits)
            )
            target = HttpTarget(
                sender=sender,
                function=config.url,
                entry=entry,
                within=spec.timeout,
                dead_letters=_dead_letters(config, setting, sender, stack),
            )
            consumer = Consumer(memory, target, spec=spec, concurrency=config.concurrency)
            reader.start(memory)
            try:
                await consumer.run(setting.stopping, grace=lambda: spec.timeout)
            finally:
                await reader.stop()


def _dead_letters(
    config: Config, setting: Setting, sender: senders.Sender, stack: contextlib.AsyncExitStack
) -> Sink | Topic:
    topic = config.dead_letter.get("topic")
    if config.kafka is None or not isinstance(topic, str):
        url = setting.addresses.url(config.dead_letter)
        return Sink(sender=sender, url=url, within=config.delivery.timeout_seconds)
    writer = KafkaWriter(config.kafka.model_copy(update={"topic": topic}), setting.secrets)
    stack.push_async_callback(writer.close)
    return Topic(name=topic, writer=writer)


def _reader(config: Config, secrets: connections.Secrets, measures: Measures, *, entry: str) -> Reader:
    if config.kafka is not None:
        return KafkaReader(config.kafka, secrets, function=entry, limits=config.limits(), measures=measures)
    if config.rabbitmq is None:
        raise TypeError("a configuration was made without its validation")
    return RabbitMqReader(
        config.rabbitmq,
        secrets,
        function=entry,
        ordered=config.ordered,
        limits=config.limits(),
        measures=measures,
    )
